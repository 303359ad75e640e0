"""Accuracy against cost: one point a network, its mark says how the figure is known.

Pure: rows in, Plotly figure out. Colour is the family, see `families.py`; marks, see `marks.py`.
For a HydraNet of ours a line runs through every k, a dotted one through the thresholds of dynamic
k, and the k it runs with by default is ringed. A point's `customdata` is its network's name.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import plotly.graph_objects as go

from app.charts.cost_axes import CostAxis, layout_of
from app.charts.families import GROUPS, FamilyGroup, group_of
from app.charts.figure import AXES, BARE, Trace, figure
from app.charts.k_curves import UNFADED, dynamic_curve, k_curve, rings
from app.charts.marks import MARKS, OUTLINE, Mark
from app.charts.network_hover import HOVER, hover_of
from app.charts.palette import ACCENT, QUIET
from app.charts.point_names import point_names
from app.comparing.front import Setting, pareto_front, settings
from app.comparing.rows import Entry

HEIGHT = 500
_LINE = {"width": 1, "color": OUTLINE}
_FRONT = "Pareto front"


def accuracy_cost(
    rows: Sequence[Entry],
    *,
    axis: CostAxis,
    log: bool = True,
    front: bool = False,
    chosen: Collection[str] = (),
) -> go.Figure:
    """The figure; networks whose cost on `axis` is not known are left out.

    `front`: draw the Pareto front of what is shown; `chosen`: names of networks to encircle.
    """
    known = [row for row in rows if axis.cost(row) is not None]
    traces: list[Trace] = []
    steps = pareto_front(settings(known, axis)) if front else []
    if steps:
        traces.append(_front(steps))
    for row in known:
        if row.by_k and axis.at_k is not None:
            traces.append(k_curve(row, axis))
        if row.by_threshold and axis.at_k is not None:
            traces.append(dynamic_curve(row, axis))
    for mark in reversed(MARKS):  # ours lie on top
        for group in GROUPS:
            points = [r for r in known if group_of(r.family) is group and r.mark is mark]
            if points:
                traces.append(_points(points, group, mark, axis))
    traces += rings([row for row in known if row.k is not None], axis)
    traces += _circles([row for row in known if row.name in chosen], axis)
    traces += _key(known, axis, front)
    layout = {
        "height": HEIGHT,
        "margin": AXES,
        "hovermode": "closest",
        "legend": {
            "orientation": "h", "x": 0, "y": -0.16, "yanchor": "top",
            "itemclick": False, "itemdoubleclick": False,
        },
        "xaxis": layout_of([float(axis.cost(row) or 0) for row in known], axis, log),
        "yaxis": {"title": {"text": "Top-1 (%)"}, "ticksuffix": " "},
        "annotations": point_names(known, axis, log=log, front=steps),
        **BARE,
    }  # fmt: skip
    return figure(traces, layout)


def _front(front: Sequence[Setting]) -> Trace:
    """Steps: at a cost between two networks of the front the cheaper one is the best there is."""
    return {
        "type": "scatter",
        "x": [setting.cost for setting in front],
        "y": [setting.top1 for setting in front],
        "mode": "lines",
        "name": _FRONT,
        "line": {"color": QUIET, "width": 1.5, "shape": "hv"},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _circles(rows: list[Entry], axis: CostAxis) -> list[Trace]:
    """Around the networks whose cards are open."""
    if not rows:
        return []
    return [
        {
            "type": "scatter",
            "x": [axis.cost(row) for row in rows],
            "y": [row.top1 for row in rows],
            "mode": "markers",
            "name": "chosen",
            "marker": {"symbol": "circle-open", "size": 30, "line": {"width": 2}, "color": ACCENT},
            "hoverinfo": "skip",
            "showlegend": False,
        }
    ]


def _points(points: list[Entry], group: FamilyGroup, mark: Mark, axis: CostAxis) -> Trace:
    return {
        "type": "scatter",
        "x": [axis.cost(row) for row in points],
        "y": [row.top1 for row in points],
        "mode": "markers",
        "name": f"{group.name}, {mark.name}",
        "marker": {"symbol": mark.symbol, "size": mark.size, "color": group.colour, "line": _LINE},
        "hovertext": [hover_of(row, axis) for row in points],
        "hovertemplate": HOVER,
        "customdata": [row.name for row in points],
        "unselected": UNFADED,
        "showlegend": False,
    }


def _key(rows: list[Entry], axis: CostAxis, front: bool) -> list[Trace]:
    """Entries of the key: the marks in grey, then the families as bars of colour."""
    items = [
        _key_item(mark.name, {"symbol": mark.symbol, "color": QUIET, "line": _LINE})
        for mark in MARKS
        if any(row.mark is mark for row in rows)
    ]
    if any(row.k is not None for row in rows):
        items.append(_key_item("ringed: default k", {"symbol": "circle-open", "color": OUTLINE}))
    if any(row.by_k for row in rows) and axis.at_k is not None:
        items.append(_key_item("small: other k", {"symbol": "circle", "color": OUTLINE, "size": 5}))
    if any(row.by_threshold for row in rows) and axis.at_k is not None:
        items.append(_key_line("dotted: dynamic k", {"color": OUTLINE, "dash": "dot"}))
    if front and rows:
        items.append(_key_line(_FRONT, {"color": QUIET, "width": 1.5}))
    groups = {group_of(row.family).name for row in rows}
    for group in GROUPS:
        if group.name in groups:
            bar = {"width": 5, "color": group.colour}
            items.append(_key_item(group.name, {"symbol": "line-ew", "line": bar}))
    return items


def _key_line(name: str, line: dict[str, object]) -> Trace:
    nowhere = {"x": [None], "y": [None], "mode": "lines"}
    return {"type": "scatter", **nowhere, "name": name, "line": line}


def _key_item(name: str, marker: dict[str, object]) -> Trace:
    look = {"size": 10, **marker}
    nowhere = {"x": [None], "y": [None], "mode": "markers"}
    return {"type": "scatter", **nowhere, "name": name, "marker": look}
