"""Confidence against how often it was right, bin by bin. Pure."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.charts.marks import OUTLINE
from app.charts.palette import ACCENT, QUIET
from app.charts.specialise.order import BARE
from hydranet.specialisation import Reliability

HEIGHT = 380


def reliability_diagram(found: Reliability) -> go.Figure:
    """Above: share right in each bin of confidence, with the line where both are equal. Below:
    images in each bin."""
    bins = len(found.images)
    middle = (np.arange(bins, dtype=np.float32) + 0.5) * 100 / bins
    width = 100 / bins
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.76, 0.24], vertical_spacing=0.05
    )
    ranges = [f"{width * b:.0f} to {width * (b + 1):.0f}" for b in range(bins)]
    figure.add_trace(
        go.Bar(
            x=middle,
            y=(100 * found.right).astype(np.float32),
            width=0.92 * width,
            marker_color=ACCENT,
            customdata=[
                [r, f"{100 * c:.1f}" if n else "", f"{n:,}"]
                for r, c, n in zip(ranges, found.confidence, found.images, strict=True)
            ],
            hovertemplate="confidence %{customdata[0]} % (mean %{customdata[1]} %)<br>"
            "right %{y:.1f} % of %{customdata[2]} images<extra></extra>",
        ),
        row=1,
        col=1,
    )
    figure.add_trace(
        go.Scatter(
            x=[0, 100], y=[0, 100], mode="lines", hoverinfo="skip",
            line={"color": OUTLINE, "dash": "dot", "width": 2},
        ),
        row=1, col=1,
    )  # fmt: skip
    figure.add_trace(
        go.Bar(
            x=middle,
            y=found.images.astype(np.float32),
            width=0.92 * width,
            marker_color=QUIET,
            customdata=ranges,
            hovertemplate="confidence %{customdata} %<br>%{y:,} images<extra></extra>",
        ),
        row=2,
        col=1,
    )
    figure.update_layout(
        height=HEIGHT, margin={"l": 0, "r": 8, "t": 8, "b": 0}, showlegend=False, **BARE
    )
    figure.update_xaxes(range=[0, 100.5], dtick=20, fixedrange=True)
    figure.update_xaxes(title="confidence (%)", row=2, col=1)
    figure.update_yaxes(title="right (%)", range=[0, 100], fixedrange=True, row=1, col=1)
    figure.update_yaxes(title="images", fixedrange=True, nticks=3, row=2, col=1)
    return figure
