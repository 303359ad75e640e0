"""The feature maps of one part as one picture. Pure functions."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.colors import get_colorscale

from app.charts.figure import BARE, figure

ACROSS = 16
"""Maps in a row."""
_CELL = 46
"""Pixels a map is drawn with, at most."""


def montage(maps: NDArray[np.float32], across: int = ACROSS) -> NDArray[np.float32]:
    """(C, h, w) maps side by side, a gap of NaN between them: (rows·(h + 1) − 1, …)."""
    count, height, width = maps.shape
    across = min(across, count)
    down = math.ceil(count / across)
    padded = np.full((down * across, height + 1, width + 1), np.nan, np.float32)
    padded[:count, :height, :width] = maps
    grid = padded.reshape(down, across, height + 1, width + 1)
    return grid.transpose(0, 2, 1, 3).reshape(down * (height + 1), -1)[:-1, :-1]


def maps_picture(maps: NDArray[np.float32], title: str) -> go.Figure:
    """All maps of a part, channel 0 at the top left, on one colour scale.

    `maps`: (C, h, w). Where some are below zero the scale is symmetric about it.
    """
    picture = montage(maps)
    low, high = float(maps.min()), float(maps.max())
    signed = low < 0
    most = max(abs(low), abs(high), 1e-9)
    rows = math.ceil(len(maps) / ACROSS)
    heat = {
        "type": "heatmap",
        "z": picture,
        "zmin": -most if signed else 0.0,
        "zmax": most,
        "colorscale": get_colorscale("RdBu" if signed else "Viridis"),
        "reversescale": signed,
        "colorbar": {"title": {"text": "strength"}, "thickness": 12, "len": 1.0},
        "hovertemplate": "strength %{z:.2f}<extra></extra>",
        "hoverongaps": False,
    }
    hidden = {"visible": False, "fixedrange": True, "constrain": "domain"}
    layout = {
        "title": {"text": title},
        "height": 60 + _CELL * max(rows, 2),
        "margin": {"l": 4, "r": 4, "t": 40, "b": 4},
        "xaxis": hidden,
        "yaxis": {**hidden, "autorange": "reversed", "scaleanchor": "x", "scaleratio": 1},
        **BARE,
    }
    return figure([heat], layout)


def silent(maps: NDArray[np.float32]) -> int:
    """How many maps are zero everywhere."""
    return int((maps == 0).all(axis=(1, 2)).sum())


def strongest(maps: NDArray[np.float32]) -> int:
    """The map with the largest mean strength."""
    return int(np.abs(maps).mean(axis=(1, 2)).argmax())
