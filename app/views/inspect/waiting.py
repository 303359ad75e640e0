"""Work that takes a while: said before it starts, shown while it runs, stopped on request.

A press on the button stops the script where it next moves the bar; the exception that does so
passes through the computation, which frees its core, or its place in the line for one, on the way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.cores.computing import telling
from app.views.line import in_line

T = TypeVar("T")

AT_ONCE_S = 2.0
"""Work that is expected to take less starts by itself."""

Progress = Callable[[float], None]


def patiently(work: Callable[[Progress], T], *, seconds: float, key: str) -> T | None:
    """The result of `work`, or None until the visitor starts it.

    `seconds`: how long it is expected to take; `work` gets a function that it tells what part is
    done, 0 to 1.
    """
    place = st.empty()
    if seconds < AT_ONCE_S:
        said = f"Computing, about {duration(seconds)}"
        with st.spinner(said), telling(lambda before: _say(place, before)):
            result = work(lambda part: _yield(place))
        place.empty()
        return result
    started = f"started_{key}"
    if not st.session_state.pop(started, False):
        with place.container():
            st.markdown(f"This takes about {duration(seconds)} on this server.")
            st.button(
                "Start",
                key=f"start_{key}",
                icon=":material/play_arrow:",
                on_click=lambda: st.session_state.update({started: True}),
            )
        return None
    with place.container():
        bar = st.progress(0.0, text=f"Computing, about {duration(seconds)}")
        st.button("Cancel", key=f"cancel_{key}", icon=":material/close:")
    done = 0.0

    def move(part: float) -> None:
        nonlocal done
        done = part
        _move(bar, part, seconds)

    with telling(lambda before: _wait(bar, done, before)):
        result = work(move)
    place.empty()
    return result


def _yield(place: DeltaGenerator) -> None:
    """Let Streamlit stop the script here if the visitor did something else."""
    place.empty()


def _say(place: DeltaGenerator, before: int) -> None:
    place.caption(in_line(before))


def _move(bar: DeltaGenerator, part: float, seconds: float) -> None:
    left = duration((1 - part) * seconds)
    bar.progress(part, text=f"{100 * part:.0f}\u00a0% done, about {left} left")


def _wait(bar: DeltaGenerator, part: float, before: int) -> None:
    bar.progress(part, text=in_line(before))


def duration(seconds: float) -> str:
    """A time as it is said."""
    if seconds < 90:
        return f"{max(1, round(seconds))}\u00a0s"
    return f"{round(seconds / 60)}\u00a0min"
