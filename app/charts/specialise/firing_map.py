"""Which branch fires for which class: a square for each, that can be clicked. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.charts.figure import BARE, Trace, figure
from app.charts.html import escaped
from app.charts.marks import OUTLINE
from app.charts.palette import branch_colour, faint
from app.charts.specialise.order import by_subtask, class_axis, room_for

HEIGHT = 520
MOST_POINTS = 6000
"""More squares than this would be too small to hit, and too many to send."""
_SIZE = 11


def shown_classes(num_classes: int, num_branches: int, subtasks: Sequence[int] | None) -> list[int]:
    """The classes that the map has room for, in its order."""
    return by_subtask(num_classes, subtasks)[: max(1, MOST_POINTS // num_branches)]


def firing_map(
    share: NDArray[np.float64],
    class_names: Sequence[str],
    subtask_of_class: Sequence[int] | None,
    *,
    chosen: tuple[int | None, int | None] = (None, None),
    called: str = "branch",
) -> go.Figure:
    """A column for each class, a row for each branch, the fuller the oftener it fires.

    `share`: (C, N); `chosen`: class and branch that are open below, ringed; `called`: what a branch
    is called. A point's customdata is "class branch".
    """
    branches = share.shape[1]
    order = shown_classes(len(class_names), branches, subtask_of_class)
    names = [class_names[label] for label in order]
    traces: list[Trace] = []
    for own in (False, True):  # outlined squares lie on top
        cells = [
            (place, label, branch)
            for place, label in enumerate(order)
            for branch in range(branches)
            if own == (subtask_of_class is not None and subtask_of_class[label] == branch)
        ]
        if cells:
            traces.append(_squares(cells, share, class_names, own=own, called=called))
    if chosen != (None, None):
        traces.append(_ring(chosen, order, branches))
    layout = {
        "height": max(260, 120 + 20 * branches),
        "margin": {"l": 56, "r": 0, "t": 8, "b": room_for(names)},
        "showlegend": False,
        "hovermode": "closest",
        "dragmode": False,
        "clickmode": "event+select",
        "xaxis": {
            **class_axis(names), "showgrid": False,
            "zeroline": False,
        },
        "yaxis": {
            "title": {"text": called}, "tickvals": list(range(branches)),
            "tickfont": {"size": 11}, "range": [branches - 0.4, -0.6], "showgrid": False,
            "zeroline": False, "fixedrange": True,
        },
        **BARE,
    }  # fmt: skip
    return figure(traces, layout)


def _squares(
    cells: list[tuple[int, int, int]],
    share: NDArray[np.float64],
    class_names: Sequence[str],
    *,
    own: bool,
    called: str,
) -> Trace:
    values = np.nan_to_num(np.array([share[label, branch] for _, label, branch in cells]))
    faded = [
        faint(branch_colour(branch), 0.06 + 0.94 * value)
        for (_, _, branch), value in zip(cells, values.tolist(), strict=True)
    ]
    return {
        "type": "scatter",
        "x": np.array([place for place, _, _ in cells], np.int16),
        "y": np.array([branch for _, _, branch in cells], np.int16),
        "mode": "markers",
        "marker": {
            "symbol": "square", "size": _SIZE, "color": faded, "opacity": 1,
            "line": {"width": 1.5 if own else 0, "color": OUTLINE},
        },
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
        "customdata": [f"{label} {branch}" for _, label, branch in cells],
        "hovertext": [escaped(class_names[label]) for _, label, _ in cells],
        "text": [f"{100 * value:.1f}" for value in values],
        "hovertemplate": f"%{{hovertext}}, {called} %{{y}}"
        + (" (its own)" if own else "")
        + "<br>fires for %{text} % of its images<extra></extra>",
    }  # fmt: skip


def _ring(chosen: tuple[int | None, int | None], order: list[int], branches: int) -> Trace:
    """Around the square that is open; around a whole column or row where only that is chosen."""
    label, branch = chosen
    places = range(len(order)) if label is None else [p for p, c in enumerate(order) if c == label]
    rows = range(branches) if branch is None else [branch]
    cells = [(place, row) for place in places for row in rows]
    return {
        "type": "scatter",
        "x": [place for place, _ in cells],
        "y": [row for _, row in cells],
        "mode": "markers",
        "marker": {
            "symbol": "square-open", "size": _SIZE + 5, "color": OUTLINE, "line": {"width": 2},
        },
        "hoverinfo": "skip",
    }  # fmt: skip
