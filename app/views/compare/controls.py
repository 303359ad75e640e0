"""What the visitor chooses about the comparison; the address keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app.charts.cost_axes import AXES, BATCHES, MILLISECONDS, CostAxis, milliseconds
from app.charts.families import GROUPS, group_of
from app.comparing.rows import Entry


@dataclass(frozen=True)
class View:
    """The cost axis, whether it is logarithmic, whether the front is drawn, the family groups."""

    axis: CostAxis
    log: bool
    front: bool
    groups: frozenset[str]

    def shown(self, rows: Sequence[Entry]) -> list[Entry]:
        """The rows whose family is in one of the groups."""
        return [row for row in rows if group_of(row.family).name in self.groups]


def choose_view() -> View:
    """One line of controls."""
    names = [group.name for group in GROUPS]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        axis = _axis()
        groups = st.pills(
            "Families", names, selection_mode="multi", default=names, key="family",
            bind="query-params", wrap=True,
        )  # fmt: skip
        log = st.toggle("Log scale", value=True, key="log", bind="query-params")
        front = st.toggle(
            "Pareto front", value=True, key="front", bind="query-params",
            help="The networks that no other one shown beats in accuracy at their cost or less.",
        )  # fmt: skip
    return View(axis, log, front, frozenset(groups))


def _axis() -> CostAxis:
    name = st.segmented_control(
        "Cost", [*AXES, MILLISECONDS], default="MACs", required=True, key="cost",
        bind="query-params", wrap=True,
    )  # fmt: skip
    if name != MILLISECONDS:
        return AXES[name or "MACs"]
    batch = st.segmented_control(
        "Batch", BATCHES, default=1, required=True, key="batch", bind="query-params"
    )
    return milliseconds(batch or 1)
