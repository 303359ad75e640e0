"""Measured milliseconds an image, with the spread over the runs. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from app.charts.figure import AXES, BARE, Trace, figure
from app.charts.html import escaped
from app.charts.marks import OUTLINE
from app.charts.palette import ACCENT, QUIET
from hydranet.timing import Measurement

_ROW, _FRAME = 34, 80
_COLOURS = (ACCENT, QUIET)


def measured_bars(measured: Sequence[Measurement]) -> go.Figure:
    """A bar for each network in each batch size: the median, with a whisker from the fastest to
    the slowest run; the fastest network at the smallest batch on top."""
    batches = sorted({one.batch for one in measured})
    order = {
        one.checkpoint: one.ms_per_image
        for one in sorted(measured, key=lambda one: -one.batch)  # the smallest batch decides
    }
    names = sorted(order, key=lambda name: order[name])
    bars = [
        _bars([one for one in measured if one.batch == batch], colour)
        for batch, colour in reversed(list(zip(batches, _COLOURS, strict=False)))  # last on top
    ]
    layout = {
        "height": _FRAME + _ROW * max(1, len(measured)),
        "margin": AXES,
        "barmode": "group",
        "xaxis": {"title": {"text": "Milliseconds an image"}, "rangemode": "tozero"},
        "yaxis": {
            "categoryorder": "array", "categoryarray": [escaped(name) for name in reversed(names)],
            "type": "category",
        },
        "legend": {
            "orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "reversed",
        },
        **BARE,
    }  # fmt: skip
    return figure(bars, layout)


def _bars(some: Sequence[Measurement], colour: str) -> Trace:
    """Those of one batch size."""
    batch = some[0].batch
    return {
        "type": "bar",
        "orientation": "h",
        "y": [escaped(one.checkpoint) for one in some],
        "x": [one.ms_per_image for one in some],
        "error_x": {
            "symmetric": False,
            "array": [(one.timing.slowest - one.timing.median) / batch for one in some],
            "arrayminus": [(one.timing.median - one.timing.fastest) / batch for one in some],
            "thickness": 1.5,
            "color": OUTLINE,
        },
        "name": f"batch {batch}",
        "marker": {"color": colour},
        "customdata": [[one.timing.runs, one.measured] for one in some],
        "hovertemplate": f"%{{y}}, batch {batch}<br>%{{x:.3g}} ms an image, median of "
        "%{customdata[0]} runs<br>%{customdata[1]}<extra></extra>",
    }
