"""What stands below the chart, one section at a time: only the chosen one is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from app.comparison import Entry
from app.views.compare.claim import show_claim
from app.views.compare.measure import show_measure
from app.views.compare.training_runs import show_runs
from hydranet.checkpoints import Checkpoint

SECTION = "section"
"""The key under which the chosen section is kept, and its name in the address."""

EQUAL_ACCURACY = "Equal accuracy"
MEASURE = "Measure here"

SECTIONS: dict[str, Callable[[Sequence[Entry], Sequence[Checkpoint]], None]] = {
    EQUAL_ACCURACY: lambda rows, checkpoints: show_claim(rows),
    MEASURE: lambda rows, checkpoints: show_measure(checkpoints),
    "Training runs": lambda rows, checkpoints: show_runs(checkpoints),
}


def show_section(rows: Sequence[Entry], checkpoints: Sequence[Checkpoint]) -> None:
    """The section that the visitor looks at; the address keeps it."""
    name = st.segmented_control(
        "Look closer", list(SECTIONS), default=EQUAL_ACCURACY, required=True, key=SECTION,
        bind="query-params",
    )  # fmt: skip
    SECTIONS[name or EQUAL_ACCURACY](rows, checkpoints)
