"""The classes that a network knows best and worst. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.charts.figure import AXES, BARE, figure
from app.charts.html import escaped
from app.charts.palette import ACCENT, QUIET

EACH = 5
"""How many of the best and of the worst classes are shown."""

HEIGHT = 300


def extremes(recall: NDArray[np.float64]) -> list[int]:
    """The best classes, best first, then the worst, worst last; all where there are few."""
    known = np.flatnonzero(~np.isnan(recall))
    order = [int(c) for c in known[np.argsort(-recall[known], kind="stable")]]
    return order if len(order) <= 2 * EACH else order[:EACH] + order[-EACH:]


def class_recall(recall: NDArray[np.float64], names: Sequence[str]) -> go.Figure:
    """A bar for each class: (C,) recall in percent, NaN where it is not known."""
    classes = extremes(recall)
    colours = [ACCENT if place < len(classes) / 2 else QUIET for place in range(len(classes))]
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": list(range(len(classes))),
        "x": [float(recall[c]) for c in classes],
        "text": [f"{recall[c]:.0f} %" for c in classes],
        "textposition": "outside",
        "textfont": {"color": QUIET},
        "marker": {"color": colours},
        "customdata": [escaped(names[c]) for c in classes],
        "hovertemplate": "%{customdata}: %{x:.1f} % of its test images<extra></extra>",
    }
    layout = {
        "height": HEIGHT,
        "margin": {**AXES, "l": 74, "t": 4},
        "bargap": 0.25,
        "xaxis": {"title": {"text": "Recall (%)"}, "range": [0, 120], "tickvals": [0, 50, 100]},
        "yaxis": {
            "tickvals": list(range(len(classes))),
            "ticktext": [_short(names[c]) for c in classes],
            "autorange": "reversed",
        },
        **BARE,
    }
    return figure([bars], layout)


def _short(name: str, most: int = 16) -> str:
    return escaped(name if len(name) <= most else name[: most - 1] + "…")
