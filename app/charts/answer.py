"""One image's answer as bars: probabilities and cost. Pure functions."""

from __future__ import annotations

import plotly.graph_objects as go

from app.charts.html import escaped
from app.charts.palette import ACCENT, QUIET, branch_colour, faint
from hydranet.answer import Answer
from hydranet.card import Card

_TOP5, _COST = 160, 36
_BARE = {"plot_bgcolor": "rgba(0,0,0,0)", "paper_bgcolor": "rgba(0,0,0,0)", "showlegend": False}


def top5_bars(card: Card, found: Answer) -> go.Figure:
    """The five most probable classes, in percent."""
    top = found.top(5)
    shares = [100 * probability for _, probability in top]
    figure = go.Figure(
        go.Bar(
            x=shares,
            y=[escaped(card.class_names[c].replace("_", " ")) for c, _ in top],
            orientation="h",
            marker_color=[ACCENT] + [QUIET] * (len(top) - 1),
            text=[f"{share:.1f} %" for share in shares],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.2f} %<extra></extra>",
        )
    )
    figure.update_layout(
        height=_TOP5, margin={"l": 4, "r": 48, "t": 4, "b": 4}, bargap=0.3, **_BARE
    )
    figure.update_xaxes(visible=False, range=[0, max(shares) * 1.15], fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True)
    return figure


def cost_bar(card: Card, found: Answer) -> go.Figure:
    """MACs by part as one stacked bar, in millions; grey is what did not run."""
    costs = card.costs
    parts = [("stem", costs.stem.macs, "#5b6770"), ("gate", costs.gate.macs, "#8a6d3b")]
    parts += [(f"branch {b}", costs.branch.macs, branch_colour(b)) for b in found.fired]
    parts += [("combiner", costs.combiner.macs, ACCENT)]
    parts += [("not run", costs.all_branches_macs - found.macs, faint(QUIET, 0.3))]
    parts = [part for part in parts if part[1]]
    millions = [macs / 1e6 for _, macs, _ in parts]
    figure = go.Figure(
        go.Bar(  # one trace with its own bases: many traces are slow
            x=millions,
            base=[sum(millions[:place]) for place in range(len(millions))],
            y=[""] * len(parts),
            orientation="h",
            marker={"color": [colour for _, _, colour in parts], "line": {"width": 0}},
            customdata=[name for name, _, _ in parts],
            hovertext=[f"{name}: {macs / 1e6:.2f} M MACs" for name, macs, _ in parts],
            hoverinfo="text",
        )
    )
    figure.update_layout(
        barmode="overlay", height=_COST, margin={"l": 4, "r": 4, "t": 4, "b": 4}, **_BARE
    )
    figure.update_xaxes(visible=False, fixedrange=True)
    figure.update_yaxes(visible=False, fixedrange=True)
    return figure
