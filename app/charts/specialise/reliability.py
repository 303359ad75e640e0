"""Confidence against how often it was right, bin by bin. Pure."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from app.charts.figure import AXES, BARE, figure, panels
from app.charts.marks import OUTLINE
from app.charts.palette import ACCENT, QUIET
from hydranet.specialisation import Reliability

HEIGHT = 380


def reliability_diagram(found: Reliability) -> go.Figure:
    """Above: share right in each bin of confidence, with the line where both are equal. Below:
    images in each bin."""
    bins = len(found.images)
    middle = (np.arange(bins, dtype=np.float32) + 0.5) * 100 / bins
    width = 100 / bins
    ranges = [f"{width * b:.0f} to {width * (b + 1):.0f}" for b in range(bins)]
    right = {
        "type": "bar",
        "x": middle,
        "y": (100 * found.right).astype(np.float32),
        "width": 0.92 * width,
        "marker": {"color": ACCENT},
        "customdata": [
            [r, f"{100 * c:.1f}" if n else "", f"{n:,}"]
            for r, c, n in zip(ranges, found.confidence, found.images, strict=True)
        ],
        "hovertemplate": "confidence %{customdata[0]} % (mean %{customdata[1]} %)<br>"
        "right %{y:.1f} % of %{customdata[2]} images<extra></extra>",
    }
    equal = {
        "type": "scatter", "x": [0, 100], "y": [0, 100], "mode": "lines", "hoverinfo": "skip",
        "line": {"color": OUTLINE, "dash": "dot", "width": 2},
    }  # fmt: skip
    images = {
        "type": "bar",
        "x": middle,
        "y": found.images.astype(np.float32),
        "width": 0.92 * width,
        "marker": {"color": QUIET},
        "customdata": ranges,
        "hovertemplate": "confidence %{customdata} %<br>%{y:,} images<extra></extra>",
        "xaxis": "x2",
        "yaxis": "y2",
    }
    above, below = panels([0.76, 0.24], 0.05)
    confidence = {"range": [0, 100.5], "dtick": 20, "fixedrange": True}
    layout = {
        "height": HEIGHT,
        "margin": {**AXES, "l": 68},
        "showlegend": False,
        "xaxis": {**confidence, "anchor": "y", "matches": "x2", "showticklabels": False},
        "xaxis2": {**confidence, "anchor": "y2", "title": {"text": "confidence (%)"}},
        "yaxis": {
            "title": {"text": "right (%)"}, "range": [0, 100], "fixedrange": True,
            "domain": above,
        },
        "yaxis2": {
            "title": {"text": "images"}, "nticks": 3, "fixedrange": True, "domain": below,
            "anchor": "x2",
        },
        **BARE,
    }  # fmt: skip
    return figure([right, equal, images], layout)
