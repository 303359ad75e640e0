"""What each fired branch did for the answer: exact shares, Shapley values. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.charts.figure import BARE, figure
from app.charts.marks import OUTLINE
from app.charts.palette import QUIET, branch_colour, faint
from hydranet.routing.answer import Answer

BIAS = "bias"
PAST = "past them"
"""What the tokens carry past the experts, the output layer's bias with it."""
_PALE = 0.4


def share_bars(
    found: Answer, bias: NDArray[np.float32], asked: int, rival: int, names: tuple[str, str]
) -> go.Figure:
    """What each fired branch adds to the logit of the class in question, in its colour, and of its
    rival, pale; with the bias (C,) the bars of a class sum to its logit. `names`: of the two."""
    rest = PAST if found.policy.by_token else BIAS
    places = [str(b) for b in found.fired]
    colours = [branch_colour(b) for b in found.fired]
    bars = [
        {
            "type": "bar",
            "x": [*places, rest],
            "y": [*(float(share) for share in found.shares[:, c]), float(bias[c])],
            "name": name,
            "marker": {"color": [faint(colour, opacity) for colour in (*colours, QUIET)]},
            "hovertemplate": "%{x} adds %{y:.2f} to the logit of %{fullData.name}<extra></extra>",
        }
        for c, name, opacity in ((asked, names[0], 1.0), (rival, names[1], _PALE))
    ]
    one = found.policy.branch
    return figure(bars, _layout(f"What each fired {one} adds to the logit", "logit", one))


def shapley_bars(
    fired: Sequence[int],
    values: NDArray[np.float64],
    standard_errors: NDArray[np.float64] | None = None,
) -> go.Figure:
    """The Shapley value (k,) of each fired branch, in percentage points of a class's probability,
    with its standard error where it is sampled."""
    errors = {}
    if standard_errors is not None:
        errors = {"error_y": {"array": 100 * standard_errors, "color": OUTLINE}}
    bars = {
        "type": "bar",
        "x": [str(b) for b in fired],
        "y": 100 * values,
        **errors,
        "marker": {"color": [branch_colour(b) for b in fired]},
        "hovertemplate": "branch %{x}: %{y:+.1f} points<extra></extra>",
    }
    title = "What each fired branch is worth to the probability"
    return figure([bars], _layout(title, "percentage points"))


def _layout(title: str, unit: str, branch: str = "branch") -> dict[str, Any]:
    return {
        "title": {"text": title},
        "height": 300,
        "margin": {"l": 62, "t": 40, "b": 56},
        "showlegend": False,
        "xaxis": {"title": {"text": branch}, "type": "category", "fixedrange": True},
        "yaxis": {"title": {"text": unit}, "fixedrange": True, "zerolinecolor": OUTLINE},
        **BARE,
    }
