"""How many times dearer a static network is than a HydraNet of equal accuracy. Pure.

The ratio stands on a logarithmic axis, where the line between two bends of the fronts is straight.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from app.charts.families import GROUPS
from app.charts.figure import AXES, BARE, figure, level
from app.charts.marks import OUTLINE, Mark
from app.charts.palette import QUIET
from app.comparing.claim import Claim
from app.words.teacher import WITH, WITHOUT

HEIGHT = 340
_COLOURS = {group.name: group.colour for group in GROUPS}
_DASHES = {"ResNet": "solid", "DenseNet": "dash"}
_OPEN = {"ResNet": "", "DenseNet": "-open"}
"""Behind the symbol of a mark: which static networks a HydraNet is held against."""
_WIDTHS = {WITH: 4, WITHOUT: 2, "": 2}
"""Of the lines, in pixels, by how both sides were trained."""
_TICKS = (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 4, 5, 7, 10, 20, 50)


def claim_chart(found: Sequence[Claim], *, noun: str, mark: Mark) -> go.Figure:
    """One line a claim over top-1; `mark` says how the figures behind it are known."""
    lines = [
        {
            "type": "scatter",
            "x": list(one.top1),
            "y": list(one.ratios),
            "mode": "lines+markers",
            "name": _name(one),
            "line": {
                "color": _COLOURS[one.hydra], "width": _WIDTHS[one.training],
                "dash": _DASHES[one.static],
            },
            "marker": {
                "symbol": mark.symbol + _OPEN[one.static], "size": mark.size - 2,
                "color": _COLOURS[one.hydra],
                "line": {"width": 2 if _OPEN[one.static] else 1, "color": _rim(one)},
            },
            "hovertemplate": f"at %{{x:.2f}} % top-1<br>{one.static} needs %{{y:.2f}} times the "
            f"{noun}<br>of {one.hydra}{_both(one)}<extra></extra>",
        }
        for one in found
        if one.said
    ]  # fmt: skip
    ratios = [ratio for one in found for ratio in one.ratios]
    low, high = min([0.5, *ratios]) / 1.1, 1.1 * max([5.0, *ratios])
    layout = {
        "height": HEIGHT,
        "margin": {**AXES, "l": 66},
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top", "itemclick": False},
        "shapes": [level(1, colour=QUIET, width=1)],
        "xaxis": {"title": {"text": "Top-1 of both (%)"}},
        "yaxis": {
            "title": {"text": f"Times the {noun}"}, "type": "log",
            "range": [math.log10(low), math.log10(high)],
            "tickvals": list(_TICKS), "ticktext": [f"{tick:g}×" for tick in _TICKS],
        },
        **BARE,
    }  # fmt: skip
    return figure(lines, layout)


def _rim(one: Claim) -> str:
    """An open mark is its rim alone."""
    return _COLOURS[one.hydra] if _OPEN[one.static] else OUTLINE


def _name(one: Claim) -> str:
    families = f"{one.hydra} against {one.static}"
    return f"{families}, {one.training}" if one.training else families


def _both(one: Claim) -> str:
    return f"<br>both {one.training}" if one.training else ""
