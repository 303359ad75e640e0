"""How a training run went: validation top-1 and training loss, epoch by epoch. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.charts.palette import ACCENT, QUIET
from hydranet.training.history import EpochRecord

HEIGHT = 380
_GAP = 0.12


def training_curves(history: Sequence[EpochRecord]) -> go.Figure:
    """Two panels over the epochs, counted from 1: top-1 in percent, and training loss."""
    epochs = [record.epoch + 1 for record in history]
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=_GAP)
    curves = (
        (1, "validation top-1", [r.validation_top1 for r in history], ACCENT, "solid", " %"),
        (1, "training top-1", [r.train_top1 for r in history], QUIET, "dot", " %"),
        (2, "training loss", [r.loss for r in history], "#d55e00", "solid", ""),
    )
    for row, name, values, colour, dash, unit in curves:
        figure.add_trace(
            go.Scatter(
                x=epochs,
                y=values,
                name=name,
                mode="lines+markers" if len(epochs) < 3 else "lines",
                line={"color": colour, "dash": dash, "width": 2},
                hovertemplate=f"epoch %{{x}}<br>{name} %{{y:.2f}}{unit}<extra></extra>",
            ),
            row=row,
            col=1,
        )
    figure.update_yaxes(title_text="Top-1 (%)", row=1, col=1)
    figure.update_yaxes(title_text="Loss", rangemode="tozero", row=2, col=1)
    figure.update_xaxes(title_text="Epoch", row=2, col=1)
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top"},
    )
    return figure
