"""Names of what the address of the page Specialise holds; each is the key of a widget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

import streamlit as st
from streamlit.errors import StreamlitAPIException

from app.state import held

SECTION = "show"
LABEL = "label"
SUBTASK = "subtask"
BRANCH = "branch"
ANSWER = "answered"
UNUSUAL = "unusual"
MARGIN = "margin"
PAGE = "page"
OTHER = "against"


def cell(class_names: Sequence[str], num_branches: int) -> tuple[int | None, int | None]:
    """The class and the branch whose images are open, also before their filters are drawn."""
    name, branch = held(LABEL), held(BRANCH)
    if not (isinstance(branch, int) or (isinstance(branch, str) and branch.isdecimal())):
        branch = None
    return (
        class_names.index(name) if isinstance(name, str) and name in class_names else None,
        None if branch is None or int(branch) >= num_branches else int(branch),
    )


def put(values: Mapping[str, str | int]) -> None:
    """Set widgets that may not be drawn yet. In a widget's callback. Of one that is drawn the
    address follows; of one that is not, Streamlit reads the address only when the page is loaded,
    and writes it only at the run after the next. All are written as one step of the browser's way
    back."""
    st.session_state.update(values)
    with suppress(StreamlitAPIException):  # the widgets are drawn
        st.query_params.update({key: str(value) for key, value in values.items()})


def fit(key: str, options: list) -> None:
    """Take back what is not among the options, for another network's classes or branches."""
    if st.session_state.get(key) not in (None, *options):
        st.session_state[key] = None
