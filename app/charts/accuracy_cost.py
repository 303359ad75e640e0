"""Accuracy against cost: one point a network, its mark says how the figure is known.

Pure: rows in, Plotly figure out. Colour is the family, see `families.py`; marks, see `marks.py`.
For a HydraNet of ours a line runs through every k, a dotted one through the thresholds of dynamic
k, and the k it runs with by default is ringed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap

import plotly.graph_objects as go

from app.charts.families import GROUPS, FamilyGroup, group_of
from app.charts.marks import MARKS, MEASURED, OUTLINE, Mark
from app.charts.palette import QUIET
from app.comparison import AtK, AtThreshold, Entry

HEIGHT = 500
_HOVER = "%{hovertext}<extra></extra>"
_HOVER_WIDTH = 46
_LINE = {"width": 1, "color": OUTLINE}
_STEPS = [digit * 10.0**power for power in range(-3, 6) for digit in (1, 2, 5)]


@dataclass(frozen=True)
class CostAxis:
    """What can stand on the cost axis; `cost` gives millions, or None where it is not known.

    `name` is the choice on the page, `noun` stands within a sentence.
    """

    name: str
    noun: str
    title: str
    unit: str
    cost: Callable[[Entry], float | None]
    at_k: Callable[[AtK | AtThreshold], float] | None


AXES = {
    axis.name: axis
    for axis in (
        CostAxis(
            "MACs", "MACs", "MACs for one image (millions)", "M MACs",
            lambda row: row.macs_m, lambda at: at.macs_m,
        ),
        CostAxis(
            "Parameters", "parameters", "Parameters (millions)", "M parameters",
            lambda row: row.params_m, None,
        ),
        CostAxis(
            "MADDs (paper)", "MADDs", "MADDs for one image, 2 × MACs (millions)", "M MADDs",
            lambda row: 2 * row.macs_m, lambda at: 2 * at.macs_m,
        ),
    )
}  # fmt: skip


def accuracy_cost(rows: Sequence[Entry], *, axis: CostAxis, log: bool = True) -> go.Figure:
    """The figure; networks whose cost on `axis` is not known are left out."""
    known = [row for row in rows if axis.cost(row) is not None]
    figure = go.Figure()
    for row in known:
        if row.by_k and axis.at_k is not None:
            figure.add_trace(_curve(row, axis))
        if row.by_threshold and axis.at_k is not None:
            figure.add_trace(_dynamic_curve(row, axis))
    for mark in reversed(MARKS):  # ours lie on top
        for group in GROUPS:
            points = [r for r in known if group_of(r.family) is group and r.mark is mark]
            if points:
                figure.add_trace(_points(points, group, mark, axis))
    figure.add_traces(_rings([row for row in known if row.k is not None], axis, log))
    figure.add_traces(_key(known))
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="closest",
        legend={
            "orientation": "h", "x": 0, "y": -0.16, "yanchor": "top",
            "itemclick": False, "itemdoubleclick": False,
        },
        xaxis=_cost_axis([float(axis.cost(row) or 0) for row in known], axis, log),
        yaxis={"title": {"text": "Top-1 (%)"}, "ticksuffix": " "},
    )  # fmt: skip
    return figure


def rounded(millions: float) -> str:
    """A cost in millions with the digits it is good for: 0.0811, 1.28, 26.4, 1,130."""
    return f"{millions:,.0f}" if millions >= 100 else f"{millions:.3g}"


def _points(points: list[Entry], group: FamilyGroup, mark: Mark, axis: CostAxis) -> go.Scatter:
    ours = mark is MEASURED
    return go.Scatter(
        x=[axis.cost(row) for row in points],
        y=[row.top1 for row in points],
        mode="markers+text" if ours else "markers",
        text=["" if row.k is not None else escape(row.name) for row in points] if ours else None,
        textposition="middle left",
        name=f"{group.name}, {mark.name}",
        marker={"symbol": mark.symbol, "size": mark.size, "color": group.colour, "line": _LINE},
        hovertext=[_hover_of(row, axis) for row in points],
        hovertemplate=_HOVER,
        showlegend=False,
    )


def _curve(row: Entry, axis: CostAxis) -> go.Scatter:
    """Top-1 of one HydraNet against its cost at every k."""
    assert axis.at_k is not None
    colour = group_of(row.family).colour
    costs = [axis.at_k(at) for at in row.by_k]
    return go.Scatter(
        x=costs,
        y=[at.top1 for at in row.by_k],
        mode="lines+markers",
        name=f"{escape(row.name)}, k from 1 to {len(row.by_k)}",
        line={"color": colour, "width": 1.5},
        marker={"symbol": "circle", "size": 5, "color": colour},
        hovertext=[
            _hover(row, axis, k=at.k, cost=cost, top1=at.top1)
            for at, cost in zip(row.by_k, costs, strict=True)
        ],
        hovertemplate=_HOVER,
        showlegend=False,
    )


def _dynamic_curve(row: Entry, axis: CostAxis) -> go.Scatter:
    """Top-1 of one HydraNet against its average cost at every threshold of dynamic k."""
    assert axis.at_k is not None
    costs = [axis.at_k(at) for at in row.by_threshold]
    return go.Scatter(
        x=costs,
        y=[at.top1 for at in row.by_threshold],
        mode="lines",
        name=f"{escape(row.name)}, dynamic k",
        line={"color": group_of(row.family).colour, "width": 2, "dash": "dot"},
        hovertext=[
            f"<b>{escape(row.name)}</b>, dynamic k, confidence at least {100 * at.threshold:g} %"
            f"<br>{at.branches:.2f} branches, {rounded(cost)} {axis.unit} on average"
            f"<br>top-1 {at.top1:.2f} %, {row.mark.name}"
            for at, cost in zip(row.by_threshold, costs, strict=True)
        ],
        hovertemplate=_HOVER,
        showlegend=False,
    )


def _rings(rows: list[Entry], axis: CostAxis, log: bool) -> list[go.Scatter]:
    """Rings around our HydraNets at their default k, with the names above them."""
    if not rows:
        return []
    ring = {"symbol": "circle-open", "size": MEASURED.size + 8, "line": {"width": 2}}
    return [
        go.Scatter(
            x=[axis.cost(row) for row in rows],
            y=[row.top1 for row in rows],
            mode="markers+text",
            text=[escape(row.name) for row in rows],
            textposition="bottom right",
            name="default k",
            marker={**ring, "color": [group_of(row.family).colour for row in rows]},
            hoverinfo="skip",
            showlegend=False,
        )
    ]


def _key(rows: list[Entry]) -> list[go.Scatter]:
    """Entries of the key: the marks in grey, then the families as bars of colour."""
    items = [
        _key_item(mark.name, {"symbol": mark.symbol, "color": QUIET, "line": _LINE})
        for mark in MARKS
        if any(row.mark is mark for row in rows)
    ]
    if any(row.k is not None for row in rows):
        items.append(_key_item("ringed: default k", {"symbol": "circle-open", "color": OUTLINE}))
        items.append(_key_item("small: other k", {"symbol": "circle", "color": OUTLINE, "size": 5}))
    if any(row.by_threshold for row in rows):
        items.append(_key_item("dotted: dynamic k", {"symbol": "line-ew-open", "color": OUTLINE}))
    groups = {group_of(row.family).name for row in rows}
    for group in GROUPS:
        if group.name in groups:
            bar = {"width": 5, "color": group.colour}
            items.append(_key_item(group.name, {"symbol": "line-ew", "line": bar}))
    return items


def _key_item(name: str, marker: dict[str, object]) -> go.Scatter:
    return go.Scatter(x=[None], y=[None], mode="markers", name=name, marker={"size": 10, **marker})


def _cost_axis(costs: list[float], axis: CostAxis, log: bool) -> dict[str, object]:
    settings: dict[str, object] = {"title": {"text": axis.title}, "showgrid": True}
    if not log:
        return {**settings, "rangemode": "tozero", "tickformat": ","}
    low, high = min(costs, default=1), max(costs, default=1)
    ticks = [step for step in _STEPS if low / 2.5 <= step <= high * 2.5]
    return {**settings, "type": "log", "tickvals": ticks, "ticktext": [f"{t:,g}" for t in ticks]}


def _hover_of(row: Entry, axis: CostAxis) -> str:
    return _hover(row, axis, k=row.k, cost=axis.cost(row) or 0, top1=row.top1)


def _hover(row: Entry, axis: CostAxis, *, k: int | None, cost: float, top1: float) -> str:
    """Plotly reads a few HTML tags here, so what comes from a file is escaped."""
    fired = "" if k is None else f", k = {k}"
    source = "<br>".join(escape(line) for line in wrap(row.source, _HOVER_WIDTH))
    return (
        f"<b>{escape(row.name)}</b>{fired}<br>{rounded(cost)} {axis.unit}<br>"
        f"top-1 {top1:.2f} %, {row.mark.name}<br>{source}"
    )
