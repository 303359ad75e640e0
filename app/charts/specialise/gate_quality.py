"""What becomes of the images at every k: right, missed by the gate, confused by the branches."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.charts.marks import OUTLINE
from app.charts.palette import ACCENT, faint
from app.charts.specialise.order import BARE
from hydranet.specialisation import GateByK

HEIGHT = 360
_MISSED, _CONFUSED = "#d55e00", "#e69f00"


def gate_quality(found: GateByK, k: int, ceiling: NDArray[np.float64] | None = None) -> go.Figure:
    """Stacked bars over k, in percent of all images; the default `k` marked. `ceiling`: (N,) share
    right with a perfect gate, a line."""
    count = len(found.right)
    lucky = found.right_without_hit
    parts: list[tuple[str, np.ndarray | None, str]] = [
        ("right" if lucky is None else "hit and right",
         found.right if lucky is None else found.right - lucky, ACCENT),
        ("right without a hit", lucky, faint(ACCENT, 0.45)),
        ("confused by the branches (hit, but wrong)", found.confused, _CONFUSED),
        ("missed by the gate (no hit, and wrong)", found.missed, _MISSED),
    ]  # fmt: skip
    figure = go.Figure()
    for name, values, colour in parts:
        if values is not None:
            figure.add_trace(
                go.Bar(
                    x=list(range(1, count + 1)),
                    y=(100 * values).astype(np.float32),
                    name=name,
                    marker_color=colour,
                    hovertemplate=f"k = %{{x}}<br>{name}: %{{y:.1f}} %<extra></extra>",
                )
            )
    if ceiling is not None:
        figure.add_trace(
            go.Scatter(
                x=list(range(1, count + 1)),
                y=(100 * ceiling).astype(np.float32),
                mode="lines+markers",
                name="right with a perfect gate",
                line={"color": OUTLINE, "width": 2},
                marker={"size": 6},
                hovertemplate="k = %{x}<br>right with a perfect gate: %{y:.1f} %<extra></extra>",
            )
        )
    figure.add_vline(
        x=k, line={"color": OUTLINE, "width": 1.5, "dash": "dot"},
        annotation={"text": f"k = {k}", "yanchor": "bottom"}, annotation_position="top",
    )  # fmt: skip
    figure.update_layout(
        height=HEIGHT,
        barmode="stack",
        bargap=0.15,
        margin={"l": 0, "r": 8, "t": 24, "b": 0},
        legend={"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top", "itemclick": False},
        **BARE,
    )
    figure.update_xaxes(title="branches that fire (k)", dtick=1 if count <= 24 else None,
                        fixedrange=True)  # fmt: skip
    figure.update_yaxes(title="% of images", range=[0, 100], fixedrange=True)
    return figure
