"""What a network did with a batch of images: how often each branch fired, and what was answered.
Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from app.charts.figure import AXES, BARE, figure, level
from app.charts.html import escaped
from app.charts.marks import OUTLINE
from app.charts.palette import ACCENT, branch_colour

HEIGHT = 280
MOST_ANSWERS = 8
_LONGEST = 24


def load_bars(loads: Sequence[float]) -> go.Figure:
    """(N,) share of images that fired each branch, in its colour; a line where all would be if
    they fired equally often."""
    even = 100 * sum(loads) / len(loads)
    bars = {
        "type": "bar",
        "x": [str(branch) for branch in range(len(loads))],
        "y": [100 * load for load in loads],
        "marker": {"color": [branch_colour(branch) for branch in range(len(loads))]},
        "hovertemplate": "branch %{x} fired for %{y:.1f} % of the images<extra></extra>",
    }
    layout = {
        "height": HEIGHT,
        "margin": {**AXES, "b": 60},
        "showlegend": False,
        "shapes": [level(even, colour=OUTLINE, width=1)],
        "xaxis": {
            "title": {"text": "branch"}, "type": "category", "fixedrange": True, "tickangle": 0,
        },
        "yaxis": {
            "title": {"text": "images that fired it, %"}, "rangemode": "tozero",
            "fixedrange": True,
        },
        **BARE,
    }  # fmt: skip
    return figure([bars], layout)


def answer_bars(counts: Sequence[tuple[str, int]]) -> go.Figure:
    """The most frequent answers with how many images got each, the most frequent first."""
    shown = counts[:MOST_ANSWERS]
    names = [escaped(_short(name)) for name, _ in shown]
    places = list(range(len(shown)))  # for two classes may have one name
    bars = {
        "type": "bar",
        "x": [count for _, count in shown],
        "y": places,
        "orientation": "h",
        "marker": {"color": ACCENT},
        "text": [f"{count:,}" for _, count in shown],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertext": [escaped(name) for name, _ in shown],
        "hovertemplate": "%{hovertext}: %{x:,} images<extra></extra>",
    }
    layout = {
        "height": HEIGHT,
        "margin": {"l": 4, "r": 40, "t": 8, "b": 4},
        "bargap": 0.3,
        "showlegend": False,
        "xaxis": {"visible": False, "fixedrange": True},
        "yaxis": {
            "autorange": "reversed", "fixedrange": True, "tickvals": places, "ticktext": names,
        },
        **BARE,
    }  # fmt: skip
    return figure([bars], layout)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
