"""What a network did with a batch of images: how often each branch fired, and what was answered.
Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from app.charts.html import escaped
from app.charts.marks import OUTLINE
from app.charts.palette import ACCENT, branch_colour

HEIGHT = 280
MOST_ANSWERS = 8
_LONGEST = 24
_BARE = {"plot_bgcolor": "rgba(0,0,0,0)", "paper_bgcolor": "rgba(0,0,0,0)", "showlegend": False}


def load_bars(loads: Sequence[float]) -> go.Figure:
    """(N,) share of images that fired each branch, in its colour; a line where all would be if
    they fired equally often."""
    even = 100 * sum(loads) / len(loads)
    figure = go.Figure(
        go.Bar(
            x=[str(branch) for branch in range(len(loads))],
            y=[100 * load for load in loads],
            marker_color=[branch_colour(branch) for branch in range(len(loads))],
            hovertemplate="branch %{x} fired for %{y:.1f} % of the images<extra></extra>",
        )
    )
    figure.add_hline(y=even, line={"color": OUTLINE, "width": 1, "dash": "dot"})
    figure.update_layout(height=HEIGHT, margin={"l": 4, "r": 8, "t": 8, "b": 4}, **_BARE)
    figure.update_xaxes(title="branch", type="category", fixedrange=True, tickangle=0)
    figure.update_yaxes(title="images that fired it, %", rangemode="tozero", fixedrange=True)
    return figure


def answer_bars(counts: Sequence[tuple[str, int]]) -> go.Figure:
    """The most frequent answers with how many images got each, the most frequent first."""
    shown = counts[:MOST_ANSWERS]
    names = [escaped(_short(name)) for name, _ in shown]
    figure = go.Figure(
        go.Bar(
            x=[count for _, count in shown],
            y=list(range(len(shown))),  # places, for two classes may have one name
            orientation="h",
            marker_color=ACCENT,
            text=[f"{count:,}" for _, count in shown],
            textposition="outside",
            cliponaxis=False,
            hovertext=[escaped(name) for name, _ in shown],
            hovertemplate="%{hovertext}: %{x:,} images<extra></extra>",
        )
    )
    figure.update_layout(
        height=HEIGHT, margin={"l": 4, "r": 40, "t": 8, "b": 4}, bargap=0.3, **_BARE
    )
    figure.update_xaxes(visible=False, fixedrange=True)
    figure.update_yaxes(
        autorange="reversed", fixedrange=True, tickvals=list(range(len(shown))), ticktext=names
    )
    return figure


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
