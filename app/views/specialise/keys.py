"""Names of what the address of the page Specialise holds; each is the key of a widget."""

from __future__ import annotations

import streamlit as st

SECTION = "show"
LABEL = "label"
SUBTASK = "subtask"
BRANCH = "branch"
ANSWER = "answered"
UNUSUAL = "unusual"
MARGIN = "margin"
PAGE = "page"
OTHER = "against"


def fit(key: str, options: list) -> None:
    """Take back what is not among the options, for another network's classes or branches."""
    if st.session_state.get(key) not in (None, *options):
        st.session_state[key] = None
