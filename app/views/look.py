"""What Streamlit's theme cannot say: less empty space around a page, a hand over what opens."""

from __future__ import annotations

import streamlit as st

_STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding-top: 4.25rem; }
@media (min-width: 800px) {
  [data-testid="stMainBlockContainer"] { padding: 4.25rem 2.5rem 3rem; }
}
.st-key-network_picture .nsewdrag, .st-key-subsets .nsewdrag { cursor: pointer; }
</style>"""


def apply_look() -> None:
    """On every page."""
    st.html(_STYLE)
