"""What stands below the first screen, one section at a time: only the chosen one is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from app import state
from app.inspection import Inspection
from app.views.inspect.firmness import show_firmness
from app.views.inspect.keep import show_keep
from app.views.inspect.parts import show_part
from app.views.inspect.routes import show_routes
from app.views.inspect.second import show_second_network
from app.views.inspect.why import show_why
from app.views.line import place_in_line

SECTIONS: dict[str, Callable[[Inspection], None]] = {
    state.PARTS_SECTION: show_part,
    "Routes": show_routes,
    state.WHY_SECTION: show_why,
    state.FIRMNESS_SECTION: show_firmness,
    "Second network": show_second_network,
    state.KEEP_SECTION: show_keep,
}


def show_section(inspection: Inspection) -> None:
    """The section that the visitor looks at, for the class asked about; the address keeps both."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        name = st.segmented_control(
            "Look closer",
            list(SECTIONS),
            default=state.PARTS_SECTION,
            required=True,
            key=state.SECTION,
            bind="query-params",
            wrap=True,
        )
        asked = _choose_class(inspection)
    with place_in_line():
        SECTIONS[name or state.PARTS_SECTION](replace(inspection, asked=asked))


def _choose_class(inspection: Inspection) -> int | None:
    """The class that shares, choices and explanations are about; None for the answer."""
    names = [inspection.class_name(c) for c in range(len(inspection.card.class_names))]
    if st.session_state.get(state.CLASS) not in (None, *names):
        st.session_state[state.CLASS] = None  # chosen from another network's classes
    asked = st.selectbox(
        "Ask about class",
        names,
        index=None,
        placeholder=f"the answer: {inspection.class_name(inspection.found.best)}",
        key=state.CLASS,
        bind="query-params",
        width=260,
        help="What the shares, choices and explanations below are about.",
    )
    return None if asked is None else names.index(asked)
