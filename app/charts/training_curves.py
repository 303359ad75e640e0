"""How a training run went, epoch by epoch. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.charts.figure import AXES, BARE, Trace, axis, figure, panels
from app.charts.palette import ACCENT, QUIET
from hydranet.training.history import EpochRecord

HEIGHT = 520
LOAD_HEIGHT = 380
_GAP = 0.07
_LOSS, _HITS, _RATE = "#d55e00", "#009e73", "#6a51a3"


def epoch_line(
    history: Sequence[EpochRecord],
    name: str,
    values: Sequence[float | None],
    *,
    colour: str,
    dash: str,
    said: str,
) -> Trace:
    """A line of one value an epoch, counted from 1; `said`: what is said of a point on hover."""
    return {
        "type": "scatter",
        "x": [record.epoch + 1 for record in history],
        "y": values,
        "name": name,
        "mode": "lines+markers" if len(values) < 3 else "lines",
        "line": {"color": colour, "dash": dash, "width": 2},
        "hovertemplate": f"epoch %{{x}}<br>{said}<extra></extra>",
    }


def training_curves(history: Sequence[EpochRecord]) -> go.Figure:
    """Three panels over the epochs, counted from 1: top-1 and, for a HydraNet, hit rate in
    percent; training loss; learning rate."""
    curves: list[tuple[int, str, Sequence[float | None], str, str, str, str]] = [
        (1, "validation top-1", [r.validation_top1 for r in history], ACCENT, "solid", ".2f", " %"),
        (1, "training top-1", [r.train_top1 for r in history], QUIET, "dot", ".2f", " %"),
        (1, "hit rate", [r.hit_rate for r in history], _HITS, "dash", ".2f", " %"),
        (2, "training loss", [r.loss for r in history], _LOSS, "solid", ".3f", ""),
        (3, "learning rate", [r.learning_rate for r in history], _RATE, "solid", ".4f", ""),
    ]
    traces = [
        epoch_line(
            history, name, values, colour=colour, dash=dash, said=f"{name} %{{y:{digits}}}{unit}"
        )
        | {"xaxis": axis("x", row), "yaxis": axis("y", row)}
        for row, name, values, colour, dash, digits, unit in curves
        if any(value is not None for value in values)
    ]
    top, middle, bottom = panels([0.5, 0.28, 0.22], _GAP)
    shared = {"matches": "x3", "showticklabels": False}
    layout = {
        "height": HEIGHT,
        "margin": {**AXES, "l": 66},
        "legend": {"orientation": "h", "x": 0, "y": -0.14, "yanchor": "top"},
        "xaxis": {"anchor": "y", **shared},
        "xaxis2": {"anchor": "y2", **shared},
        "xaxis3": {"anchor": "y3", "title": {"text": "Epoch"}},
        "yaxis": {"domain": top, "title": {"text": "Percent"}},
        "yaxis2": {
            "domain": middle, "anchor": "x2", "title": {"text": "Loss"}, "rangemode": "tozero",
        },
        "yaxis3": {
            "domain": bottom, "anchor": "x3", "title": {"text": "Rate"}, "rangemode": "tozero",
        },
        **BARE,
    }  # fmt: skip
    return figure(traces, layout)


def branch_load_map(history: Sequence[EpochRecord]) -> go.Figure | None:
    """Share of training images that fired each branch, in percent, epoch by epoch; None where
    nothing was recorded."""
    loads = [record.branch_load for record in history]
    if not loads or not all(loads):
        return None
    shares = np.asarray(loads, np.float32).T  # (N, epochs)
    squares = {
        "type": "heatmap",
        "x": [record.epoch + 1 for record in history],
        "y": [str(branch) for branch in range(len(shares))],
        "z": 100 * shares,
        "colorscale": "Viridis",
        "zmin": 0,
        "colorbar": {"title": {"text": "% of images"}, "thickness": 12},
        "hovertemplate": "epoch %{x}, branch %{y}<br>fired for %{z:.1f} % of images<extra></extra>",
    }
    layout = {
        "height": LOAD_HEIGHT,
        "margin": {**AXES, "b": 64},
        "xaxis": {"title": {"text": "Epoch"}},
        "yaxis": {"title": {"text": "Branch"}, "type": "category", "autorange": "reversed"},
        **BARE,
    }
    return figure([squares], layout)
