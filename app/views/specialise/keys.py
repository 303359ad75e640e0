"""Names of what the address of the page Specialise holds; each is the key of a widget."""

from __future__ import annotations

from collections.abc import Sequence

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


def put(key: str, value: str | int) -> None:
    """Set a widget that may not be drawn yet. In a widget's callback. What is put into the state
    before its widget is drawn never reaches the address, so it goes there first."""
    try:
        st.query_params[key] = str(value)
    except StreamlitAPIException:  # the address follows a widget that is drawn
        st.session_state[key] = value
    else:
        st.session_state.pop(key, None)


def fit(key: str, options: list) -> None:
    """Take back what is not among the options, for another network's classes or branches."""
    if st.session_state.get(key) not in (None, *options):
        st.session_state[key] = None
