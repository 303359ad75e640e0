"""Entry of the dashboard (`streamlit run app`): the web server, page settings, navigation; nothing
else.

Streamlit imports this file once for the server that it describes, and runs it for each visitor.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.starlette import App

# A file of our own: a Material icon would be fetched from another server.
ICON = Path(__file__).parent / "icon.svg"


def dashboard() -> None:
    """What each visitor sees."""
    from app.server.logs import begin_request
    from app.server.runs import running

    begin_request()
    with running():
        _show()


def _show() -> None:
    from app import state
    from app.views.look import apply_look
    from app.views.sign_in import require_sign_in

    st.set_page_config(page_title="HydraNet explorer", page_icon=str(ICON), layout="wide")
    require_sign_in()
    inspect = st.Page(
        "page_scripts/inspect.py", title="Inspect", icon=":material/image_search:", default=True
    )
    batch = st.Page("page_scripts/batch.py", title="Batch", icon=":material/burst_mode:")
    compare = st.Page("page_scripts/compare.py", title="Compare", icon=":material/scatter_plot:")
    specialise = st.Page(
        "page_scripts/specialise.py", title="Specialise", icon=":material/account_tree:"
    )
    apply_look()
    chosen = st.navigation([inspect, batch, compare, specialise], position="top")
    state.arrive(chosen.title)
    chosen.run()


if __name__ == "__main__":
    dashboard()
else:
    from app.server.asgi import ROUTES, lifespan, show_refusal

    app = App(__file__, routes=ROUTES, lifespan=lifespan, on_script_error=show_refusal)
