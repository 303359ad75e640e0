"""One dynamic network over its dials, as traces: every k, dynamic k, and the default. Pure."""

from __future__ import annotations

from html import escape

from app.charts.cost_axes import CostAxis, rounded
from app.charts.families import group_of
from app.charts.figure import Trace
from app.charts.marks import MEASURED
from app.charts.network_hover import HOVER, hover
from app.comparing.rows import Entry

UNFADED = {"marker": {"opacity": 1}}
"""Of points that are not selected: which are chosen is drawn, not faded."""


def k_curve(row: Entry, axis: CostAxis) -> Trace:
    """Top-1 of one dynamic network against its cost at every k."""
    assert axis.at_k is not None
    colour = group_of(row.family).colour
    costs = [axis.at_k(at) for at in row.by_k]
    return {
        "type": "scatter",
        "x": costs,
        "y": [at.top1 for at in row.by_k],
        "mode": "lines+markers",
        "name": f"{escape(row.name)}, k from 1 to {len(row.by_k)}",
        "line": {"color": colour, "width": 1.5},
        "marker": {"symbol": "circle", "size": 5, "color": colour},
        "hovertext": [
            hover(row, axis, k=at.k, cost=cost, top1=at.top1)
            for at, cost in zip(row.by_k, costs, strict=True)
        ],
        "hovertemplate": HOVER,
        "customdata": [row.name] * len(costs),
        "unselected": UNFADED,
        "showlegend": False,
    }


def dynamic_curve(row: Entry, axis: CostAxis) -> Trace:
    """Top-1 of one dynamic network against its average cost at every threshold of dynamic k."""
    assert axis.at_k is not None
    costs = [axis.at_k(at) for at in row.by_threshold]
    taught = f"<br>taught by {escape(row.teacher)}" if row.teacher else ""
    return {
        "type": "scatter",
        "x": costs,
        "y": [at.top1 for at in row.by_threshold],
        "mode": "lines",
        "name": f"{escape(row.name)}, dynamic k",
        "line": {"color": group_of(row.family).colour, "width": 2, "dash": "dot"},
        "hovertext": [
            f"<b>{escape(row.name)}</b>, dynamic k, threshold {100 * at.threshold:g} %"
            f"<br>{at.branches:.2f} {escape(row.policy.branches)}, "
            f"{rounded(cost)} {axis.unit} on average"
            f"<br>top-1 {at.top1:.2f} %, {row.mark.name}{taught}"
            for at, cost in zip(row.by_threshold, costs, strict=True)
        ],
        "hovertemplate": HOVER,
        "showlegend": False,
    }


def rings(rows: list[Entry], axis: CostAxis) -> list[Trace]:
    """Rings around our dynamic networks at their default k."""
    if not rows:
        return []
    ring = {"symbol": "circle-open", "size": MEASURED.size + 8, "line": {"width": 2}}
    return [
        {
            "type": "scatter",
            "x": [axis.cost(row) for row in rows],
            "y": [row.top1 for row in rows],
            "mode": "markers",
            "name": "default k",
            "marker": {**ring, "color": [group_of(row.family).colour for row in rows]},
            "hoverinfo": "skip",
            "showlegend": False,
        }
    ]
