"""Classes in the plane, near one another where the gate scores them alike. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.charts.html import escaped
from app.charts.palette import on
from app.charts.specialise.order import BARE, colour_of
from hydranet.specialisation import ClassMap

HEIGHT = 620


def class_plane(
    found: ClassMap, class_names: Sequence[str], subtasks: Sequence[int] | None
) -> go.Figure:
    """A point for each class in the colour of its subtask's branch, with that branch's number."""
    labels = [c for c in range(len(class_names)) if not np.isnan(found.points[c, 0])]
    colours = [colour_of(c, subtasks) for c in labels]
    numbers = ["" if subtasks is None else str(subtasks[c]) for c in labels]
    figure = go.Figure(
        go.Scatter(
            x=found.points[labels, 0].astype(np.float32),
            y=found.points[labels, 1].astype(np.float32),
            mode="markers+text",
            marker={"size": 19, "color": colours},
            text=numbers,
            textfont={"size": 10, "color": [on(colour) for colour in colours]},
            customdata=[
                escaped(class_names[c]) + (f"<br>subtask {n}" if n else "")
                for c, n in zip(labels, numbers, strict=True)
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    for axis, share in zip(("xaxis", "yaxis"), found.explained, strict=True):
        figure.update_layout(
            {axis: {"title": {"text": f"{100 * share:.0f} % of the variance"}, "zeroline": False,
                    "fixedrange": True}}
        )  # fmt: skip
    figure.update_layout(height=HEIGHT, margin={"l": 0, "r": 8, "t": 8, "b": 0}, **BARE)
    return figure
