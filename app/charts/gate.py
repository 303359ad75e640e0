"""What the gate gave every branch. Pure functions."""

from __future__ import annotations

import plotly.graph_objects as go

from app.charts.marks import OUTLINE
from app.charts.palette import QUIET, branch_colour
from hydranet.answer import Answer


def gate_score_bars(found: Answer) -> go.Figure:
    """The gate's score of every branch, fired ones in their colour, and the margin between the
    last that fired and the first refused."""
    count = len(found.gate_scores)
    figure = go.Figure(
        go.Bar(
            x=[str(branch) for branch in range(count)],
            y=[float(score) for score in found.gate_scores],
            marker_color=[branch_colour(b) if b in found.fired else QUIET for b in range(count)],
            hovertemplate="branch %{x}: score %{y:.2f}<extra></extra>",
        )
    )
    figure.update_layout(
        title="Gate score of every branch",
        height=300,
        margin={"t": 40, "b": 4, "r": 96},
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
    )
    figure.update_xaxes(title="branch", type="category", fixedrange=True)
    figure.update_yaxes(title="score (logit)", fixedrange=True)
    if margin := found.gate_margin:
        _mark_margin(figure, found, margin)
    return figure


def _mark_margin(figure: go.Figure, found: Answer, margin: tuple[int, int, float]) -> None:
    """Two lines at the scores, a stroke between them beside the bars, and the difference."""
    last, first, gap = margin
    levels = [float(found.gate_scores[b]) for b in (last, first)]
    dotted = {"color": OUTLINE, "width": 1, "dash": "dot"}
    shapes: list[dict[str, object]] = [
        {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y, "line": dotted}
        for y in levels
    ]
    stroke = {"xref": "paper", "x0": 1.012, "x1": 1.012, "y0": levels[0], "y1": levels[1]}
    shapes.append({"type": "line", **stroke, "line": {"color": OUTLINE, "width": 3}})
    words = {
        "xref": "paper", "x": 1.025, "y": sum(levels) / 2, "xanchor": "left", "align": "left",
        "showarrow": False, "text": f"margin {gap:.2f}<br>{last} over {first}",
    }  # fmt: skip
    figure.update_layout(shapes=shapes, annotations=[words])
