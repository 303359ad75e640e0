"""Figures from plain dictionaries, for charts that are drawn anew at every click.

Plotly checks each property of a figure when it is set, which takes longer than everything else in a
re-run of a page together. So these are handed over unchecked, as `{"type": "bar", "x": …}` and a
layout, with titles written out (`{"title": {"text": …}}`); the tests switch the checks on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from app.charts.palette import QUIET

CHECKED = False
"""Whether Plotly checks what it is handed; tests set it."""

Trace = dict[str, Any]
"""A trace with its `type`."""

BARE = {
    "plot_bgcolor": "rgba(0,0,0,0)",
    "paper_bgcolor": "rgba(0,0,0,0)",
    "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": QUIET},
}
"""Layout of a figure that stands on the page's own colour."""


FLAT = {"l": 0, "r": 8, "t": 8, "b": 0}
"""Margins of a figure whose title stands above it on the page."""

AXES = {"l": 62, "r": 8, "t": 8, "b": 56}
"""The same with room for two axes with ticks and titles. Plotly makes what room is missing, but
then it draws everything twice."""


def axis(letter: str, panel: int) -> str:
    """Plotly's name of the x or y axis of a panel, which are counted from 1."""
    return letter if panel == 1 else f"{letter}{panel}"


def level(y: float, *, colour: str, width: float = 1.5) -> Trace:
    """A shape: a dotted line over the whole width at `y`."""
    return {
        "type": "line", "xref": "x domain", "x0": 0, "x1": 1, "yref": "y", "y0": y, "y1": y,
        "line": {"color": colour, "width": width, "dash": "dot"},
    }  # fmt: skip


def upright(x: float, *, colour: str, width: float = 1.5, panel: int = 1) -> Trace:
    """A shape: a dotted line over the whole height at `x`, in the panel of that number."""
    return {
        "type": "line", "xref": axis("x", panel), "x0": x, "x1": x,
        "yref": f"{axis('y', panel)} domain", "y0": 0, "y1": 1,
        "line": {"color": colour, "width": width, "dash": "dot"},
    }  # fmt: skip


def panels(heights: Sequence[float], gap: float) -> list[tuple[float, float]]:
    """Where panels of these relative heights stand in a figure, from the top: the domain of each
    one's y-axis, with `gap` of the figure's height between them."""
    free = 1 - gap * (len(heights) - 1)
    found, top = [], 1.0
    for height in heights:
        bottom = top - free * height / sum(heights)
        found.append((max(bottom, 0.0), top))
        top = bottom - gap
    return found


def figure(traces: Sequence[Trace], layout: Mapping[str, Any]) -> go.Figure:
    """A figure; ValueError if it is checked and a property is not Plotly's."""
    return go.Figure(list(traces), dict(layout), _validate=CHECKED)
