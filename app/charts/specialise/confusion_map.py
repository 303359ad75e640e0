"""Which classes are taken for which, classes of a subtask side by side. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.charts.figure import BARE, figure
from app.charts.html import escaped
from app.charts.palette import ACCENT, branch_colour, faint
from app.charts.specialise.order import blocks, by_subtask

HEIGHT = 640
MOST_CLASSES = 250
"""Of more classes the matrix is too large to send and too fine to read."""


def confusion_map(
    counts: NDArray[np.int64], class_names: Sequence[str], subtasks: Sequence[int] | None
) -> go.Figure:
    """Errors in percent of a class's images: a row for each class, a column for each answer. The
    diagonal, what is right, is left out; a square stands around each subtask."""
    order = by_subtask(len(class_names), subtasks)
    sorted_counts = counts[np.ix_(order, order)].astype(np.float64)  # (C, C)
    rows = sorted_counts.sum(axis=1, keepdims=True)
    share = 100 * np.divide(sorted_counts, rows, out=np.zeros_like(sorted_counts), where=rows > 0)
    np.fill_diagonal(share, np.nan)
    errors = share[share > 0]
    names = [escaped(class_names[c]) for c in order]
    distinct = names if len(set(names)) == len(names) else None
    squares = {
        "type": "heatmap",
        "z": share.astype(np.float32),
        "colorscale": [[0, faint(ACCENT, 0.0)], [0.1, faint(ACCENT, 0.4)], [1, ACCENT]],
        "zmin": 0,
        "zmax": float(errors.max()) if len(errors) else 1,
        "colorbar": {"title": {"text": "% of class"}, "thickness": 12},
        "hovertemplate": "%{y} taken for %{x}: %{z:.1f} %<extra></extra>",
        "x": distinct,
        "y": distinct,
    }
    frames = [
        {
            "type": "rect", "x0": first - 0.5, "x1": last + 0.5,
            "y0": first - 0.5, "y1": last + 0.5,
            "line": {"color": branch_colour(subtask), "width": 2},
        }
        for subtask, first, last in (blocks(order, subtasks) if subtasks is not None else [])
    ]  # fmt: skip
    bare = {"showticklabels": False, "ticks": "", "showgrid": False, "fixedrange": True}
    if distinct is not None:
        bare["type"] = "category"  # names of digits are no numbers
    layout = {
        "height": HEIGHT,
        "margin": {"l": 36, "r": 0, "t": 8, "b": 32},
        "shapes": frames,
        "xaxis": {"title": {"text": "answer"}, **bare},
        "yaxis": {"title": {"text": "class"}, "autorange": "reversed", **bare},
        **BARE,
    }
    return figure([squares], layout)
