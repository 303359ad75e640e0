"""Classes in the plane, near one another where a network finds them alike. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.charts.figure import BARE, FLAT, figure
from app.charts.html import escaped
from app.charts.marks import OUTLINE
from app.charts.palette import on
from app.charts.specialise.order import colour_of
from hydranet.specialisation import ClassMap

HEIGHT = 620
_LEAST, _MOST = 14, 30
"""Diameters of a class that is never right and of one that always is, in pixels."""


def class_plane(
    found: ClassMap,
    class_names: Sequence[str],
    subtasks: Sequence[int] | None,
    accuracy: NDArray[np.float64],
    *,
    chosen: int | None = None,
) -> go.Figure:
    """A point for each class in the colour of its subtask's branch, with that branch's number; the
    larger the area, the oftener it is right.

    `accuracy`: (C,), NaN for a class without images; `chosen`: the class that is open, ringed. A
    point's customdata begins with the number of its class.
    """
    labels = [c for c in range(len(class_names)) if not np.isnan(found.points[c, 0])]
    right = np.nan_to_num(accuracy[labels])
    area = _LEAST**2 + right * (_MOST**2 - _LEAST**2)
    colours = [colour_of(c, subtasks) for c in labels]
    numbers = ["" if subtasks is None else str(subtasks[c]) for c in labels]
    points = {
        "type": "scatter",
        "x": found.points[labels, 0].astype(np.float32),
        "y": found.points[labels, 1].astype(np.float32),
        "mode": "markers+text",
        "marker": {
            "size": np.sqrt(area).astype(np.float32), "color": colours, "opacity": 1,
            "line": {"width": [3 if c == chosen else 0 for c in labels], "color": OUTLINE},
        },
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
        "text": numbers,
        "textfont": {"size": 10, "color": [on(colour) for colour in colours]},
        "customdata": [
            [str(c), escaped(class_names[c]), f"<br>subtask {n}" if n else "", f"{100 * r:.0f}"]
            for c, n, r in zip(labels, numbers, right, strict=True)
        ],
        "hovertemplate": "%{customdata[1]}%{customdata[2]}<br>right %{customdata[3]} %"
        "<extra></extra>",
    }  # fmt: skip
    bare = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False}
    axis = {"fixedrange": True, **bare}
    layout = {
        "height": HEIGHT, "margin": FLAT, "hovermode": "closest", "dragmode": False,
        "clickmode": "event+select", "xaxis": axis, "yaxis": axis, **BARE,
    }  # fmt: skip
    return figure([points], layout)
