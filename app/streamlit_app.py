"""Entry of the dashboard (`streamlit run app`): page settings and navigation, nothing else."""

from __future__ import annotations

import streamlit as st

st.set_page_config(page_title="HydraNet explorer", page_icon=":material/hub:", layout="wide")
inspect = st.Page(
    "page_scripts/inspect.py", title="Inspect", icon=":material/image_search:", default=True
)
compare = st.Page("page_scripts/compare.py", title="Compare", icon=":material/scatter_plot:")
st.navigation([inspect, compare], position="top").run()
