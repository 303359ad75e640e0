"""Top-1 over a training run, small enough to stand beside others. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from app.charts.figure import AXES, BARE, figure
from app.charts.palette import ACCENT, QUIET
from app.charts.training_curves import epoch_line
from hydranet.training.history import EpochRecord

HEIGHT = 230


def top1_curve(history: Sequence[EpochRecord], *, most: float) -> go.Figure:
    """Validation and training top-1 in percent by epoch, from 0 to `most` so that runs compare."""
    curves = [
        epoch_line(
            history, name, values, colour=colour, dash=dash, said=f"{name} top-1 %{{y:.2f}} %"
        )
        for name, values, colour, dash in (
            ("validation", [r.validation_top1 for r in history], ACCENT, "solid"),
            ("training", [r.train_top1 for r in history], QUIET, "dot"),
        )
    ]
    layout = {
        "height": HEIGHT,
        "margin": {**AXES, "t": 4},
        "xaxis": {"title": {"text": "Epoch"}},
        "yaxis": {"title": {"text": "Top-1 (%)"}, "range": [0, most]},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        **BARE,
    }
    return figure(curves, layout)
