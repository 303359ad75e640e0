"""The names of the networks at hand beside their points, accuracy against cost. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from itertools import chain, pairwise
from typing import Any

from app.charts.cost_axes import CostAxis
from app.charts.name_places import Place, Point, along, name_places
from app.charts.palette import QUIET
from app.comparing.front import Setting
from app.comparing.rows import Entry


def point_names(
    rows: Sequence[Entry], axis: CostAxis, *, log: bool, front: Sequence[Setting] = ()
) -> list[dict[str, Any]]:
    """Annotations of a Plotly figure that shows `rows`, whose costs on `axis` are known, and
    `front`; dynamic networks choose first where their names stand."""
    named = sorted((row for row in rows if row.at_hand), key=lambda row: row.k is None)
    points = [(_scaled(axis.cost(row), log), row.top1) for row in named]
    others = [(_scaled(axis.cost(row), log), row.top1) for row in rows if not row.at_hand]
    curves = [
        [(_scaled(axis.at_k(at), log), at.top1) for at in curve]
        for row in named
        for curve in (row.by_k, row.by_threshold)
        if axis.at_k is not None
    ]
    curves.append(_steps([(_scaled(setting.cost, log), setting.top1) for setting in front]))
    to_plot = _plot([*points, *others, *chain(*curves)])
    places = name_places(
        [to_plot(point) for point in points],
        [row.name for row in named],
        others=[to_plot(point) for point in others],
        lines=list(chain(*(along([to_plot(point) for point in curve]) for curve in curves))),
    )
    return [
        _annotation(row, place, x)
        for row, place, (x, _) in zip(named, places, points, strict=True)
        if place is not None
    ]


def _annotation(row: Entry, place: Place, x: float) -> dict[str, Any]:
    return {
        "x": x, "y": row.top1, "text": escape(row.name),
        "ax": place.right, "ay": place.down, "showarrow": True, "arrowhead": 0,
        "arrowwidth": 1, "arrowcolor": QUIET if place.led else "rgba(0,0,0,0)",
        "standoff": 6, "borderpad": 0,
    }  # fmt: skip


def _steps(front: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The front as it is drawn: across, then up."""
    turns = (((right, low), (right, high)) for (_, low), (right, high) in pairwise(front))
    return [*front[:1], *chain(*turns)]


def _scaled(cost: float | None, log: bool) -> float:
    """On the axis, as Plotly counts there."""
    amount = float(cost or 0)
    return math.log10(max(amount, 1e-9)) if log else amount


def _plot(shown: Sequence[tuple[float, float]]) -> Callable[[tuple[float, float]], Point]:
    """Makes of cost and top-1 where that lies in a plot that ends with what is shown."""
    across = _ends([x for x, _ in shown])
    up = _ends([y for _, y in shown])

    def place(point: tuple[float, float]) -> Point:
        return _share(point[0], *across), 1 - _share(point[1], *up)

    return place


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return min(values, default=0.0), max(values, default=0.0)


def _share(value: float, low: float, high: float) -> float:
    """Of an axis, on which Plotly leaves some room at both ends."""
    return 0.065 + 0.87 * (value - low) / (high - low) if high > low else 0.5
