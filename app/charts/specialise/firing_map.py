"""Which branch fires for which class: a square for each, that can be clicked. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.charts.html import escaped
from app.charts.marks import OUTLINE
from app.charts.palette import branch_colour, faint
from app.charts.specialise.order import BARE, by_subtask

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
) -> go.Figure:
    """A column for each class, a row for each branch, the fuller the oftener it fires.

    `share`: (C, N); `chosen`: class and branch that are open below, ringed. A point's customdata
    begins with "class branch".
    """
    branches = share.shape[1]
    order = shown_classes(len(class_names), branches, subtask_of_class)
    figure = go.Figure()
    for own in (False, True):  # outlined squares lie on top
        cells = [
            (place, label, branch)
            for place, label in enumerate(order)
            for branch in range(branches)
            if own == (subtask_of_class is not None and subtask_of_class[label] == branch)
        ]
        if cells:
            figure.add_trace(_squares(cells, share, class_names, own=own))
    if chosen != (None, None):
        figure.add_trace(_ring(chosen, order, branches))
    step = max(1, len(order) // 125)
    places = list(range(0, len(order), step))
    figure.update_xaxes(
        tickvals=places,
        ticktext=[escaped(class_names[order[place]][:22]) for place in places],
        tickangle=-90, tickfont={"size": 10}, range=[-0.7, len(order) - 0.3], showgrid=False,
        zeroline=False, fixedrange=True,
    )  # fmt: skip
    figure.update_yaxes(
        title="branch", tickvals=list(range(branches)), tickfont={"size": 11},
        range=[branches - 0.4, -0.6], showgrid=False, zeroline=False, fixedrange=True,
    )  # fmt: skip
    figure.update_layout(
        height=max(260, 120 + 20 * branches),
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        clickmode="event+select",
        **BARE,
    )
    return figure


def _squares(
    cells: list[tuple[int, int, int]],
    share: NDArray[np.float64],
    class_names: Sequence[str],
    *,
    own: bool,
) -> go.Scatter:
    values = np.nan_to_num(np.array([share[label, branch] for _, label, branch in cells]))
    faded = [
        faint(branch_colour(branch), round(0.06 + 0.94 * float(value), 2))
        for (_, _, branch), value in zip(cells, values, strict=True)
    ]
    return go.Scatter(
        x=np.array([place for place, _, _ in cells], np.int16),
        y=np.array([branch for _, _, branch in cells], np.int16),
        mode="markers",
        marker={
            "symbol": "square", "size": _SIZE, "color": faded, "opacity": 1,
            "line": {"width": 1.5 if own else 0, "color": OUTLINE},
        },
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        customdata=[
            [f"{label} {branch}", escaped(class_names[label]), f"{100 * value:.1f}"]
            for (_, label, branch), value in zip(cells, values, strict=True)
        ],
        hovertemplate="%{customdata[1]}, branch %{y}"
        + (" (its own)" if own else "")
        + "<br>fires for %{customdata[2]} % of its images<extra></extra>",
    )  # fmt: skip


def _ring(chosen: tuple[int | None, int | None], order: list[int], branches: int) -> go.Scatter:
    """Around the square that is open; around a whole column or row where only that is chosen."""
    label, branch = chosen
    places = range(len(order)) if label is None else [p for p, c in enumerate(order) if c == label]
    rows = range(branches) if branch is None else [branch]
    cells = [(place, row) for place in places for row in rows]
    return go.Scatter(
        x=[place for place, _ in cells],
        y=[row for _, row in cells],
        mode="markers",
        marker={"symbol": "square-open", "size": _SIZE + 5, "color": OUTLINE,
                "line": {"width": 2}},
        hoverinfo="skip",
    )  # fmt: skip
