"""One image's answer as bars: probabilities and cost. Pure functions."""

from __future__ import annotations

import plotly.graph_objects as go

from app.charts.figure import BARE, figure
from app.charts.html import escaped
from app.charts.palette import ACCENT, QUIET, branch_colour, faint
from app.words.classes import readable_names
from hydranet.checkpoints.card import Card
from hydranet.routing.answer import Answer

_TOP5, _COST = 160, 36


def top5_bars(card: Card, found: Answer) -> go.Figure:
    """The five most probable classes, in percent."""
    top = found.top(5)
    shares = [100 * probability for _, probability in top]
    bars = {
        "type": "bar",
        "x": shares,
        "y": [escaped(readable_names(card.class_names)[c]) for c, _ in top],
        "orientation": "h",
        "marker": {"color": [ACCENT] + [QUIET] * (len(top) - 1)},
        "text": [f"{share:.1f} %" for share in shares],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": "%{y}: %{x:.2f} %<extra></extra>",
    }
    layout = {
        "height": _TOP5,
        "margin": {"l": 4, "r": 48, "t": 4, "b": 4},
        "bargap": 0.3,
        "showlegend": False,
        "xaxis": {"visible": False, "range": [0, max(shares) * 1.15], "fixedrange": True},
        "yaxis": {"type": "category", "autorange": "reversed", "fixedrange": True},
        **BARE,
    }
    return figure([bars], layout)


def cost_bar(card: Card, found: Answer) -> go.Figure:
    """MACs by part as one stacked bar, in millions; grey is what did not run."""
    costs, policy = card.costs, card.policy
    parts = [("stem", costs.stem.macs, "#5b6770"), (policy.gate, costs.gate.macs, "#8a6d3b")]
    parts += [
        (f"{policy.branch} {b}", macs, branch_colour(b))
        for b, macs in zip(found.fired, found.branch_macs, strict=True)
    ]
    parts += [(policy.combiner, costs.combiner.macs, ACCENT)]
    parts += [("not run", costs.all_branches_macs - found.macs, faint(QUIET, 0.3))]
    parts = [part for part in parts if part[1]]
    millions = [macs / 1e6 for _, macs, _ in parts]
    bars = {  # one trace with its own bases: many traces are slow
        "type": "bar",
        "x": millions,
        "base": [sum(millions[:place]) for place in range(len(millions))],
        "y": [""] * len(parts),
        "orientation": "h",
        "marker": {"color": [colour for _, _, colour in parts], "line": {"width": 0}},
        "customdata": [name for name, _, _ in parts],
        "hovertext": [f"{name}: {macs / 1e6:.2f} M MACs" for name, macs, _ in parts],
        "hoverinfo": "text",
    }
    layout = {
        "barmode": "overlay",
        "height": _COST,
        "margin": {"l": 4, "r": 4, "t": 4, "b": 4},
        "showlegend": False,
        "xaxis": {"visible": False, "fixedrange": True},
        "yaxis": {"visible": False, "fixedrange": True},
        **BARE,
    }
    return figure([bars], layout)
