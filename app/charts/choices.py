"""What other routes would have given for one image. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.charts.figure import BARE, Trace, figure
from app.charts.marks import OUTLINE
from app.charts.palette import ACCENT, QUIET, branch_colour, faint
from hydranet.routing.choices import Change, Subsets

NOTHING = 0.0005
"""A regret below it is none: it would be shown as 0.0 points."""
_PALE = 0.45


def change_bars(
    changes: Sequence[Change],
    probability: float,
    answer: int,
    names: Sequence[str],
    *,
    branch: str = "branch",
) -> go.Figure:
    """By how much the class's probability changes if one branch more or one less ran.

    `probability`: of the class on the route that ran; `answer`: what was answered; `names`: of all
    classes, safe in Plotly; `branch`: what one is called. A star stands where the answer would be
    another.
    """
    bars = {
        "type": "bar",
        "x": [str(change.branch) for change in changes],
        "y": [100 * (change.probability - probability) for change in changes],
        "marker": {
            "color": [
                faint(branch_colour(c.branch), _PALE) if c.added else branch_colour(c.branch)
                for c in changes
            ],
        },
        "text": ["★" if change.answer != answer else "" for change in changes],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertext": [
            f"{'With' if c.added else 'Without'} {branch} {c.branch}: "
            f"{100 * c.probability:.1f} % ({100 * (c.probability - probability):+.1f} points), "
            f"answer {names[c.answer]}"
            for c in changes
        ],
        "hoverinfo": "text",
    }
    layout = {
        "title": {"text": f"One {branch} more, or one less"},
        "height": 320,
        "margin": {"l": 62, "t": 40, "b": 56},
        "showlegend": False,
        "xaxis": {"title": {"text": branch}, "type": "category", "fixedrange": True},
        "yaxis": {
            "title": {"text": "change, percentage points"},
            "fixedrange": True,
            "zerolinecolor": OUTLINE,
            "zeroline": True,
        },
        **BARE,
    }
    return figure([bars], layout)


def subsets_scatter(subsets: Subsets, asked: int, names: Sequence[str]) -> go.Figure:
    """The class's probability against MACs, a point for each route that was tried.

    The route that ran has a ring, the best of at most its cost a diamond. A point's `customdata`
    are its branches, with spaces between.
    """
    best_wins = subsets.answers == asked
    routes = [" ".join(map(str, subsets.fired(i))) for i in range(len(subsets.masks))]
    percent = 100 * subsets.probability
    millions = subsets.macs / 1e6
    every = {
        "type": "scatter",
        "x": millions,
        "y": percent,
        "mode": "markers",
        "marker": {
            "size": 7,
            "color": np.where(best_wins, faint(ACCENT, 0.8), faint(QUIET, 0.8)),
            "opacity": 1.0,
        },
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
        "customdata": routes,
        "hovertext": [names[answer] for answer in subsets.answers],
        "hovertemplate": "branches %{customdata}: %{y:.1f} %, %{x:.1f} M MACs<br>"
        "answer %{hovertext}<extra></extra>",
        "name": "routes",
        "showlegend": False,
    }
    marks = [_mark(subsets, subsets.chosen, "circle-open", 17, "ran")]
    if subsets.regret >= NOTHING:
        marks.append(_mark(subsets, subsets.best, "diamond-open", 17, "best of its cost"))
    layout = {
        "title": {"text": "Every route that was tried"},
        "height": 320,
        "margin": {"l": 62, "t": 40, "b": 56},
        "hovermode": "closest",
        "dragmode": False,
        "legend": {"orientation": "h", "y": 1.14, "x": 1, "xanchor": "right"},
        "xaxis": {"title": {"text": "MACs of one image"}, "ticksuffix": " M", "fixedrange": True},
        "yaxis": {"title": {"text": "probability, %"}, "rangemode": "tozero", "fixedrange": True},
        **BARE,
    }
    return figure([every, *marks], layout)


def _mark(subsets: Subsets, index: int, symbol: str, size: int, name: str) -> Trace:
    look = {"symbol": symbol, "size": size, "color": OUTLINE, "opacity": 1.0}
    return {
        "type": "scatter",
        "x": [float(subsets.macs[index]) / 1e6],
        "y": [100 * float(subsets.probability[index])],
        "mode": "markers",
        "marker": {**look, "line": {"width": 2.5}},
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
        "hoverinfo": "skip",
        "name": name,
    }
