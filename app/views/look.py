"""What Streamlit's theme cannot say: less empty space around a page, a hand over what opens, an
edge around pictures that are as white as the page, and text in charts that is as dark as it must be
to be read."""

from __future__ import annotations

import streamlit as st

# The greys are those that Streamlit gives to a chart's text in the light theme, and our QUIET; in
# their place comes the page's own text colour, a little faded, which follows the theme.
_STYLE = """<style>
[data-testid="stPlotlyChart"] text[style*="rgb(128, 132, 149)"],
[data-testid="stPlotlyChart"] text[style*="rgb(154, 160, 166)"] {
  fill: currentColor !important; fill-opacity: 0.75 !important;
}
[data-testid="stImage"] img { outline: 1px solid rgba(128, 132, 149, 0.35); }
[data-testid="stMainBlockContainer"] { padding-top: 4.25rem; }
@media (min-width: 800px) {
  [data-testid="stMainBlockContainer"] { padding: 4.25rem 2.5rem 3rem; }
}
.st-key-cost_table table { font-size: 0.875rem; width: 100%; }
.st-key-cost_table :is(td, th) { padding: 0.2rem 0.4rem; border-width: 0 0 1px; }
:is(.st-key-network_picture, .st-key-subsets, .st-key-firing_map) .nsewdrag { cursor: pointer; }
@media (max-width: 799px) {
  .st-key-firing_map, .st-key-class_accuracy, .st-key-difference { overflow-x: auto; }
  :is(.st-key-firing_map, .st-key-class_accuracy, .st-key-difference) > div { min-width: 1000px; }
}
</style>"""


def apply_look() -> None:
    """On every page."""
    st.html(_STYLE)
