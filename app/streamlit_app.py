"""Entry of the dashboard (`streamlit run app`): page settings and navigation, nothing else."""

from __future__ import annotations

import streamlit as st

from app.views.look import apply_look

st.set_page_config(page_title="HydraNet explorer", page_icon=":material/hub:", layout="wide")
# Streamlit leaves an empty strip below the navigation; the first screen has a use for it.
st.html("<style>.stMainBlockContainer { padding-top: 4.5rem; }</style>")
inspect = st.Page(
    "page_scripts/inspect.py", title="Inspect", icon=":material/image_search:", default=True
)
compare = st.Page("page_scripts/compare.py", title="Compare", icon=":material/scatter_plot:")
apply_look()
st.navigation([inspect, compare], position="top").run()
