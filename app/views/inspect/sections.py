"""What stands below the first screen, one section at a time: only the chosen one is computed."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app import state
from app.inspection import Inspection
from app.views.inspect.parts import show_part

SECTIONS: dict[str, Callable[[Inspection], None]] = {state.PARTS_SECTION: show_part}


def choose_section() -> Callable[[Inspection], None]:
    """The section that the visitor looks at; the address keeps it."""
    name = st.segmented_control(
        "Look closer",
        list(SECTIONS),
        default=state.PARTS_SECTION,
        required=True,
        key=state.SECTION,
        bind="query-params",
    )
    return SECTIONS[name or state.PARTS_SECTION]
