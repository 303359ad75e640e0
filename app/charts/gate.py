"""What the gate gave every branch. Pure functions."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from app.charts.figure import BARE, figure
from app.charts.marks import OUTLINE
from app.charts.palette import QUIET, branch_colour
from hydranet.routing.answer import Answer


def gate_score_bars(found: Answer) -> go.Figure:
    """The gate's score of every branch, fired ones in their colour, and the margin between the
    last that fired and the first refused."""
    count, policy = len(found.gate_scores), found.policy
    scores = found.gate_confidence if policy.by_token else found.gate_scores
    if policy.in_a_row:
        title, unit = f"Doubt that was left before every {policy.branch}", "doubt, 0 to 1"
    elif policy.by_token:
        title, unit = f"{policy.gate.capitalize()}'s mean share of every {policy.branch}", "share"
    else:
        title, unit = f"{policy.gate.capitalize()} score of every {policy.branch}", "score (logit)"
    colours = [branch_colour(b) if b in found.fired else QUIET for b in range(count)]
    bars = {
        "type": "bar",
        "x": [str(branch) for branch in range(count)],
        "y": [float(score) for score in scores],
        "marker": {"color": colours},
        "hovertemplate": f"{policy.branch} %{{x}}: score %{{y:.2f}}<extra></extra>",
    }
    layout = {
        "title": {"text": title},
        "height": 300,
        "margin": {"l": 56, "t": 40, "b": 56, "r": 96},
        "xaxis": {"title": {"text": policy.branch}, "type": "category", "fixedrange": True},
        "yaxis": {"title": {"text": unit}, "fixedrange": True},
        **BARE,
        **({} if policy.in_a_row or policy.by_token else _margin_marks(found)),
    }
    return figure([bars], layout)


def _margin_marks(found: Answer) -> dict[str, Any]:
    """Two lines at the scores of the margin, a stroke between them beside the bars, and the
    difference; nothing where every branch fired."""
    if found.gate_margin is None:
        return {}
    last, first, gap = found.gate_margin
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
    return {"shapes": shapes, "annotations": [words]}
