"""The chart of all networks shown, what stands on its front, and the table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from app.charts.accuracy_cost import HEIGHT, accuracy_cost
from app.charts.cost_axes import CostAxis
from app.comparing.front import pareto_front, settings
from app.comparing.rows import Entry
from app.comparing.table import TIMES, comparison_table
from app.views.compare.chosen import choose_in_chart
from app.views.compare.controls import View
from app.views.downloads import csv_button
from app.views.figure import saved_as
from app.views.text import plain

_CHART = "accuracy_cost"


def show_chart(rows: Sequence[Entry], view: View, chosen: Sequence[Entry]) -> None:
    """The chart under a title that says what it shows, and how many rows it cannot show."""
    axis = view.axis
    known = [row for row in rows if axis.cost(row) is not None]
    if not known:
        st.info(_nothing(rows, axis))
        return
    st.markdown(f"#### CIFAR-100 top-1 against {axis.noun} of {len(known)} networks")
    st.plotly_chart(
        accuracy_cost(
            rows, axis=axis, log=view.log, front=view.front, chosen={row.name for row in chosen}
        ),
        key=_CHART,
        on_select=partial(choose_in_chart, _CHART, [row.name for row in rows]),
        selection_mode=("points", "lasso"),
        config=saved_as("accuracy_and_cost", lasso=True),
        alt=f"Scatter chart of CIFAR-100 top-1 accuracy in percent against {axis.title}, "
        f"one point for each of {len(known)} networks; the table holds the same figures.",
    )
    if left_out := len(rows) - len(known):
        those = "1 network" if left_out == 1 else f"{left_out} networks"
        st.caption(f"Not in this chart: {those} {axis.missing}.")
    if view.front:
        st.caption(_front_words(known, axis))


def _nothing(rows: Sequence[Entry], axis: CostAxis) -> str:
    if axis.name == "Milliseconds":
        return "Nothing was timed here yet. Open **Measure here** below and press Start."
    return f"All {len(rows)} networks shown are ones {axis.missing}."


def _front_words(rows: Sequence[Entry], axis: CostAxis) -> str:
    """The networks on the front, cheapest first, each once, with the settings that stand there."""
    ways: dict[str, list[str]] = {}
    for setting in pareto_front(settings(rows, axis)):
        ways.setdefault(setting.row.name, []).append(setting.how)
    names = [plain(name) + _settings_words(how) for name, how in ways.items()]
    return (
        "On the Pareto front, from cheap to dear: " + ", ".join(names) + ". No other one shown is "
        "more accurate at the cost of one of these, or cheaper at its accuracy."
    )


def _settings_words(how: Sequence[str]) -> str:
    """Of a network that can be run in several ways: those, or the first and the last of them."""
    if not any(how):
        return ""
    return f" ({how[0]})" if len(how) == 1 else f" ({how[0]}, to {how[-1]})"


def show_left_out(count: int) -> None:
    """How many checkpoints were tested on other data than the published networks."""
    if count:
        those = "1 checkpoint was" if count == 1 else f"{count} checkpoints were"
        st.caption(f"{those} tested on another data set than CIFAR-100 and cannot stand beside it.")


def show_table(rows: Sequence[Entry], axis: CostAxis) -> None:
    """All figures, the chart's first, sortable by a click on a header, and a button that saves
    them."""
    table = comparison_table(rows)
    columns = [str(column) for column in table]
    first = [*columns[:2], axis.column]
    st.dataframe(
        table,
        hide_index=True,
        column_order=[*first, *(column for column in columns if column not in first)],
        height=HEIGHT - 8,
        column_config={
            header: st.column_config.NumberColumn(f"ms, batch {batch}", format="%.2f")
            for batch, header in TIMES.items()
        }
        | {
            "Model": st.column_config.TextColumn(pinned=True, width=150),
            "Top-1 (%)": st.column_config.NumberColumn(format="%.2f"),
            "MACs (M)": st.column_config.NumberColumn(format="%.1f"),
            "Parameters (M)": st.column_config.NumberColumn(format="%.2f"),
            "Weights as stored (MB)": st.column_config.NumberColumn(format="%.2f"),
            "MADDs, paper (M)": st.column_config.NumberColumn(format="%.1f"),
            "Source": st.column_config.TextColumn(width="large"),
        },
        alt="The figures of the chart, one network a row.",
        key="comparison_table",
    )
    csv_button(
        partial(comparison_table, list(rows)), name="accuracy_and_cost", label="Download as CSV"
    )
