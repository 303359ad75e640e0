"""What each fired branch did for the answer: exact shares, Shapley values. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.charts.marks import OUTLINE
from app.charts.palette import QUIET, branch_colour, faint
from hydranet.answer import Answer

BIAS = "bias"
_PALE = 0.4
_BARE = {"plot_bgcolor": "rgba(0,0,0,0)", "paper_bgcolor": "rgba(0,0,0,0)", "showlegend": False}


def share_bars(
    found: Answer, bias: NDArray[np.float32], asked: int, rival: int, names: tuple[str, str]
) -> go.Figure:
    """What each fired branch adds to the logit of the class in question, in its colour, and of its
    rival, pale; with the bias (C,) the bars of a class sum to its logit. `names`: of the two."""
    places = [str(b) for b in found.fired]
    colours = [branch_colour(b) for b in found.fired]
    figure = go.Figure(
        [
            go.Bar(
                x=[*places, BIAS],
                y=[*(float(share) for share in found.shares[:, c]), float(bias[c])],
                name=name,
                marker_color=[
                    *(faint(colour, opacity) for colour in colours),
                    faint(QUIET, opacity),
                ],
                hovertemplate="%{x} adds %{y:.2f} to the logit of %{fullData.name}<extra></extra>",
            )
            for c, name, opacity in ((asked, names[0], 1.0), (rival, names[1], _PALE))
        ]
    )
    figure.update_layout(
        title="What each fired branch adds to the logit",
        height=300,
        margin={"t": 40, "b": 4},
        **_BARE,
    )
    figure.update_xaxes(title="branch", type="category", fixedrange=True)
    figure.update_yaxes(title="logit", fixedrange=True, zerolinecolor=OUTLINE)
    return figure


def shapley_bars(
    fired: Sequence[int],
    values: NDArray[np.float64],
    standard_errors: NDArray[np.float64] | None = None,
) -> go.Figure:
    """The Shapley value (k,) of each fired branch, in percentage points of a class's probability,
    with its standard error where it is sampled."""
    errors = None if standard_errors is None else {"array": 100 * standard_errors, "color": OUTLINE}
    figure = go.Figure(
        go.Bar(
            x=[str(b) for b in fired],
            y=100 * values,
            error_y=errors,
            marker_color=[branch_colour(b) for b in fired],
            hovertemplate="branch %{x}: %{y:+.1f} points<extra></extra>",
        )
    )
    figure.update_layout(
        title="What each fired branch is worth to the probability",
        height=300,
        margin={"t": 40, "b": 4},
        **_BARE,
    )
    figure.update_xaxes(title="branch", type="category", fixedrange=True)
    figure.update_yaxes(title="percentage points", fixedrange=True, zerolinecolor=OUTLINE)
    return figure
