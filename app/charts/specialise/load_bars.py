"""How often each branch fires. Pure."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.charts.figure import AXES, BARE, Trace, figure, level
from app.charts.marks import OUTLINE
from app.charts.palette import branch_colour

HEIGHT = 260


def load_bars(
    share: NDArray[np.float64],
    *,
    even: float | None = None,
    right: NDArray[np.float64] | None = None,
    everywhere: NDArray[np.float64] | None = None,
    called: str = "branch",
) -> go.Figure:
    """A bar for each branch, in percent of images.

    `even`: the share of each if all fired alike, a dotted line; `right`: accuracy on a branch's
    images, on hover; `everywhere`: the share over all images, a stroke across each bar; `called`:
    what a branch is called.
    """
    branches = [str(branch) for branch in range(len(share))]
    correct = "" if right is None else "<br>%{customdata:.1f} % of them answered right"
    bars: Trace = {
        "type": "bar",
        "x": branches,
        "y": (100 * share).astype(np.float32),
        "marker": {"color": [branch_colour(branch) for branch in range(len(share))]},
        "customdata": None if right is None else np.nan_to_num(100 * right).astype(np.float32),
        "hovertemplate": f"{called} %{{x}}: fires for %{{y:.1f}} % of images"
        + correct
        + "<extra></extra>",
        "name": "these images",
    }
    strokes: Trace = {
        "type": "scatter",
        "x": branches,
        "y": None if everywhere is None else (100 * everywhere).astype(np.float32),
        "mode": "markers",
        "marker": {"symbol": "line-ew", "size": 10, "line": {"width": 2.5, "color": OUTLINE}},
        "hovertemplate": f"{called} %{{x}}: %{{y:.1f}} % of all images<extra></extra>",
        "name": "all images",
    }
    layout = {
        "height": HEIGHT,
        "margin": AXES,
        "showlegend": False,
        "shapes": [] if even is None else [level(100 * even, colour=OUTLINE)],
        "xaxis": {"title": {"text": called}, "type": "category", "fixedrange": True},
        "yaxis": {
            "title": {"text": "% of images"}, "rangemode": "tozero", "fixedrange": True,
        },
        **BARE,
    }  # fmt: skip
    return figure([bars] if everywhere is None else [bars, strokes], layout)
