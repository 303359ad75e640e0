"""Entry of the dashboard (`streamlit run app`): page settings and navigation, nothing else."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.views.look import apply_look

# A file of our own: a Material icon would be fetched from another server.
ICON = Path(__file__).parent / "icon.svg"

st.set_page_config(page_title="HydraNet explorer", page_icon=str(ICON), layout="wide")
inspect = st.Page(
    "page_scripts/inspect.py", title="Inspect", icon=":material/image_search:", default=True
)
batch = st.Page("page_scripts/batch.py", title="Batch", icon=":material/burst_mode:")
compare = st.Page("page_scripts/compare.py", title="Compare", icon=":material/scatter_plot:")
specialise = st.Page(
    "page_scripts/specialise.py", title="Specialise", icon=":material/account_tree:"
)
apply_look()
st.navigation([inspect, batch, compare, specialise], position="top").run()
