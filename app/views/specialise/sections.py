"""What is looked at, one section at a time: only the chosen one is computed."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.datasets import DataSet
from app.views.specialise import keys
from app.views.specialise.answers import show_answers
from app.views.specialise.branches import show_branches
from app.views.specialise.confusion import show_confusion
from app.views.specialise.gate import show_gate
from app.views.specialise.images import show_images
from app.views.specialise.pair import show_pair
from app.views.specialise.subtasks import show_subtasks

BRANCHES = "Branches"
SECTIONS: dict[str, Callable[[DataSet], None]] = {
    BRANCHES: show_branches,
    "Gate": show_gate,
    "Answers": show_answers,
    "Confusion": show_confusion,
    "Subtasks": show_subtasks,
    "Images": show_images,
    "Two networks": show_pair,
}
_STATIC = ("Answers", "Confusion", "Images", "Two networks", BRANCHES, "Gate", "Subtasks")


def show_section(data: DataSet) -> None:
    """The section that the visitor looks at; the address keeps it. A static network opens with
    its answers, since it has no branches."""
    names = list(SECTIONS) if data.table.num_branches else list(_STATIC)
    name = st.segmented_control(
        "Look at", names, default=names[0], required=True, key=keys.SECTION, bind="query-params"
    )  # fmt: skip
    SECTIONS[name or names[0]](data)
