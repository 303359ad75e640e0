"""Which image the visitor looks at: a sample photo, or one of those handed over in this session.

The address names an image that was handed over by the SHA-256 of its file (`image=…`), never the
image itself: images stay in their session. So an address may be about an image that is not here,
and the page asks for it. What the address names is the only record, so the browser's own way back
leads to the image before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import streamlit as st

from app import state
from app.handed_over.roll import Roll

_ROLL, _REFUSED, _MEANT, _LAST = "roll", "refused_files", "meant_image", "last_image"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def roll() -> Roll:
    """The images of this session."""
    if _ROLL not in st.session_state:
        st.session_state[_ROLL] = Roll()
    held = st.session_state[_ROLL]
    assert isinstance(held, Roll)
    return held


def named() -> str | None:
    """The hash of the image that the address is about, here or not; None for a sample photo."""
    name = st.query_params.get(state.IMAGE)
    return name if name and _SHA256.fullmatch(name) else None


def come_back() -> None:
    """Go to the image that was looked at last, where a link leads here from another page and names
    none. Once a run, before any image is asked for."""
    last = st.session_state.get(_LAST)
    if state.has_arrived() and state.IMAGE not in st.query_params and last in roll():
        _name(last)
    st.session_state[_LAST] = named()


def look_at(sha256: str | None) -> None:
    """Go to an image of the roll, or to the sample photo (None)."""
    st.session_state[_REFUSED] = ()
    if sha256 is None:
        st.session_state.pop(_MEANT, None)
    _name(sha256)


def hand_over(files: Iterable[tuple[str, bytes]]) -> None:
    """Take in files and look at the one that the address is about, or else at the first that can
    be shown."""
    meant = st.session_state.get(_MEANT) or named()
    awaited = meant is not None and meant not in roll()
    added = roll().add(files)
    st.session_state[_REFUSED] = added.refused
    if awaited and meant in roll():
        st.session_state.pop(_MEANT, None)
        _name(meant)
    elif added.first:
        if awaited:
            st.session_state[_MEANT] = meant
        _name(added.first)


def remove(sha256: str) -> None:
    """Forget an image and look at the one that takes its place."""
    look_at(roll().remove(sha256))


def refused() -> tuple[str, ...]:
    """Why files of the last time cannot be shown."""
    return tuple(st.session_state.get(_REFUSED, ()))


def meant() -> str | None:
    """The hash of the image that the address was about when another one was handed over."""
    other = st.session_state.get(_MEANT)
    return other if other and other != named() else None


def _name(sha256: str | None) -> None:
    if sha256 is not None:
        st.query_params[state.IMAGE] = sha256
    elif state.IMAGE in st.query_params:
        del st.query_params[state.IMAGE]
