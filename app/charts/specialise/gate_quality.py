"""What becomes of the images at every k: right, missed by the gate, confused by the branches."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.charts.figure import AXES, BARE, Trace, figure, upright
from app.charts.marks import OUTLINE
from app.charts.palette import ACCENT
from hydranet.specialisation import GateByK

HEIGHT = 360
_LUCKY, _CONFUSED, _MISSED = "#56b4e9", "#e69f00", "#d55e00"
"""Opaque, so that they stand out from ACCENT and from each other on a light and on a dark page."""


def gate_quality(
    found: GateByK,
    k: int,
    ceiling: NDArray[np.float64] | None = None,
    *,
    called: str = "branches",
) -> go.Figure:
    """Stacked bars over k, in percent of all images; the default `k` marked. `ceiling`: (N,) share
    right with a perfect gate, a line; `called`: what branches are called."""
    count = len(found.right)
    lucky = found.right_without_hit
    parts: list[tuple[str, np.ndarray | None, str]] = [
        ("right" if lucky is None else "hit and right",
         found.right if lucky is None else found.right - lucky, ACCENT),
        ("right without a hit", lucky, _LUCKY),
        ("confused by the branches (hit, but wrong)", found.confused, _CONFUSED),
        ("missed by the gate (no hit, and wrong)", found.missed, _MISSED),
    ]  # fmt: skip
    places = list(range(1, count + 1))
    traces: list[Trace] = [
        {
            "type": "bar",
            "x": places,
            "y": (100 * values).astype(np.float32),
            "name": name,
            "marker": {"color": colour},
            "hovertemplate": f"k = %{{x}}<br>{name}: %{{y:.1f}} %<extra></extra>",
        }
        for name, values, colour in parts
        if values is not None
    ]
    if ceiling is not None:
        traces.append(
            {
                "type": "scatter",
                "x": places,
                "y": (100 * ceiling).astype(np.float32),
                "mode": "lines+markers",
                "name": "right with a perfect gate",
                "line": {"color": OUTLINE, "width": 2},
                "marker": {"size": 6},
                "hovertemplate": "k = %{x}<br>right with a perfect gate: %{y:.1f} %<extra></extra>",
            }
        )
    default = {
        "text": f"k = {k}", "x": k, "y": 1, "yref": "y domain", "xanchor": "center",
        "yanchor": "bottom", "showarrow": False,
    }  # fmt: skip
    layout = {
        "height": HEIGHT,
        "barmode": "stack",
        "bargap": 0.15,
        "margin": {**AXES, "t": 24},
        "legend": {
            "orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom",
            "itemclick": False,
        },
        "shapes": [upright(k, colour=OUTLINE)],
        "annotations": [default],
        "xaxis": {
            "title": {"text": f"{called} that fire (k)"}, "dtick": 1 if count <= 24 else None,
            "range": [0.4, count + 0.6], "fixedrange": True,
        },
        "yaxis": {"title": {"text": "% of images"}, "range": [0, 100], "fixedrange": True},
        **BARE,
    }  # fmt: skip
    return figure(traces, layout)
