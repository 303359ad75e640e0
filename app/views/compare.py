"""Parts of the Compare page: controls, chart, what to see in it, table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from app.charts.accuracy_cost import AXES, HEIGHT, CostAxis, accuracy_cost, rounded
from app.charts.families import GROUPS, group_of
from app.comparison import Entry, free_saving, interpolated, same_cost, verdict
from app.comparison_table import comparison_csv, comparison_table
from app.views.text import plain


def choose() -> tuple[CostAxis, bool, set[str]]:
    """The cost axis, whether it is logarithmic, and the names of the family groups to show."""
    names = [group.name for group in GROUPS]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        axis = st.segmented_control(
            "Cost", list(AXES), default="MACs", required=True, key="cost", bind="query-params"
        )
        families = st.pills(
            "Families", names, selection_mode="multi", default=names, key="family",
            bind="query-params", wrap=True,
        )  # fmt: skip
        log = st.toggle("Log scale", value=True, key="log", bind="query-params")
    return AXES[axis or "MACs"], log, set(families)


def in_families(rows: Sequence[Entry], groups: set[str]) -> list[Entry]:
    """The rows whose family is in one of the groups."""
    return [row for row in rows if group_of(row.family).name in groups]


def show_chart(rows: Sequence[Entry], axis: CostAxis, log: bool) -> None:
    """The chart under a title that says what it shows, and how many rows it cannot show."""
    missing = sum(axis.cost(row) is None for row in rows)
    st.markdown(f"#### CIFAR-100 top-1 against {axis.noun} of {len(rows) - missing} networks")
    st.plotly_chart(
        accuracy_cost(rows, axis=axis, log=log),
        key="accuracy_cost",
        config={"displaylogo": False, "displayModeBar": False},
        alt=f"Scatter chart of CIFAR-100 top-1 accuracy in percent against {axis.title}, "
        f"one point for each of {len(rows) - missing} networks; the table holds the same figures.",
    )
    if missing:
        those = "1 network" if missing == 1 else f"{missing} networks"
        st.caption(f"Not in this chart: {those} without a published parameter count.")


def show_verdict(rows: Sequence[Entry]) -> None:
    """What to see in the chart, in plain words, from the figures themselves."""
    st.markdown(" ".join([*_ours_with_ours(rows), *_caveats(rows)]))


def _ours_with_ours(rows: Sequence[Entry]) -> list[str]:
    pairs = verdict(rows)
    sentences = []
    for hydra, static in pairs:
        cost = f"{rounded(hydra.macs_m)} M MACs with k = {hydra.k}"
        points = hydra.top1 - static.top1
        if same_cost(hydra, static):
            compared = f"{abs(points):.1f} points {'above' if points >= 0 else 'below'}"
            sentences.append(
                f"**{plain(hydra.name)}** ({cost}) costs the same as **{plain(static.name)}** and "
                f"stands {compared} it: {hydra.top1:.1f} % to {static.top1:.1f} %."
            )
        elif between := interpolated(hydra, rows):
            points = hydra.top1 - between.top1
            sentences.append(
                f"**{plain(hydra.name)}** ({cost}, {hydra.top1:.1f} %) stands {abs(points):.1f} "
                f"points {'above' if points >= 0 else 'below'} a static network of its cost, "
                f"interpolated between **{plain(between.cheaper.name)}** and "
                f"**{plain(between.dearer.name)}**: {between.top1:.1f} %."
            )
        else:
            sentences.append(
                f"None of our static networks costs the same as **{plain(hydra.name)}** ({cost}, "
                f"{hydra.top1:.1f} %); the nearest is **{plain(static.name)}** "
                f"({rounded(static.macs_m)} M MACs, {static.top1:.1f} %)."
            )
        if saving := free_saving(hydra):
            sentences.append(
                f"With dynamic k, dropping branches that the gate gives less than "
                f"{100 * saving.threshold:g} %, it keeps {saving.top1:.1f} % at "
                f"{rounded(saving.macs_m)} M MACs on average."
            )
    if pairs:
        sentences.append("Each was trained once, so differences under a point may be chance.")
    return sentences


def _caveats(rows: Sequence[Entry]) -> list[str]:
    ours = [row for row in rows if row.ours]
    if not ours:
        return [
            "All networks shown are published; none of our own checkpoints is among them. They "
            "were trained by different recipes, so a gap between two of them is not the "
            "architecture's alone."
        ]
    sentences = []
    if not verdict(ours):
        one_kind = "HydraNets" if ours[0].dynamic else "static networks"
        sentences.append(
            f"Of ours, only {one_kind} are shown, so a HydraNet and a static network trained alike "
            "cannot be compared here."
        )
    sentences.append(
        "Ours were trained for short schedules (see below), the published networks by other "
        "recipes: compare ours with ours, and take the published points as context."
    )
    return sentences


def show_left_out(count: int) -> None:
    """How many checkpoints were tested on other data than the published networks."""
    if count:
        those = "1 checkpoint was" if count == 1 else f"{count} checkpoints were"
        st.caption(f"{those} tested on another data set than CIFAR-100 and cannot stand beside it.")


def show_table(rows: Sequence[Entry]) -> None:
    """All figures, sortable by a click on a header, and a button that saves them."""
    st.dataframe(
        comparison_table(rows),
        hide_index=True,
        height=HEIGHT - 8,
        column_config={
            "Model": st.column_config.TextColumn(pinned=True, width=150),
            "Top-1 (%)": st.column_config.NumberColumn(format="%.2f"),
            "MACs (M)": st.column_config.NumberColumn(format="%.1f"),
            "Parameters (M)": st.column_config.NumberColumn(format="%.2f"),
            "MADDs, paper (M)": st.column_config.NumberColumn(format="%.1f"),
            "Source": st.column_config.TextColumn(width="large"),
        },
        alt="The figures of the chart, one network a row.",
        key="comparison_table",
    )
    st.download_button(
        "Download as CSV",
        data=partial(comparison_csv, list(rows)),
        file_name="accuracy_and_cost.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="comparison_csv",
    )
