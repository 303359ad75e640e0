"""One bar a class. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.charts.html import escaped
from app.charts.marks import OUTLINE
from app.charts.palette import ACCENT
from app.charts.specialise.order import BARE, by_subtask, colour_of

HEIGHT = 320
_SECOND = "#d55e00"


def accuracy_bars(
    accuracy: NDArray[np.float64], class_names: Sequence[str], subtasks: Sequence[int] | None
) -> go.Figure:
    """Share right of each class in percent, in the colour of its subtask's branch."""
    order = [c for c in by_subtask(len(class_names), subtasks) if not np.isnan(accuracy[c])]
    whose = [f", subtask {subtasks[c]}" if subtasks is not None else "" for c in order]
    figure = _bars(100 * accuracy[order], [colour_of(c, subtasks) for c in order],
                   [f"{escaped(class_names[c])}{w}" for c, w in zip(order, whose, strict=True)],
                   "right %{y:.1f} %")  # fmt: skip
    _name(figure, [class_names[c] for c in order])
    figure.update_yaxes(title="right (%)", range=[0, 100], fixedrange=True)
    return figure


def difference_bars(difference: NDArray[np.float64], class_names: Sequence[str]) -> go.Figure:
    """By how many points the first network's accuracy on each class is above the second's."""
    order = [int(c) for c in np.argsort(-difference, kind="stable") if not np.isnan(difference[c])]
    values = 100 * difference[order]
    figure = _bars(
        values,
        [ACCENT if value >= 0 else _SECOND for value in values],
        [escaped(class_names[c]) for c in order],
        "%{y:+.1f} points",
    )
    _name(figure, [class_names[c] for c in order])
    figure.update_yaxes(title="difference (points)", zeroline=True, zerolinecolor=OUTLINE,
                        fixedrange=True)  # fmt: skip
    return figure


def _bars(
    values: NDArray[np.float64], colours: list[str], hover: list[str], figure_of: str
) -> go.Figure:
    figure = go.Figure(
        go.Bar(
            x=np.arange(len(values), dtype=np.int16),
            y=values.astype(np.float32),
            marker_color=colours,
            customdata=hover,
            hovertemplate="%{customdata}<br>" + figure_of + "<extra></extra>",
        )
    )
    figure.update_layout(
        height=HEIGHT, margin={"l": 0, "r": 8, "t": 8, "b": 0}, bargap=0.15, showlegend=False,
        **BARE,
    )  # fmt: skip
    return figure


def _name(figure: go.Figure, names: list[str]) -> None:
    """Class names under the bars, some of them where there are too many."""
    step = max(1, len(names) // 125 + (len(names) > 125))
    places = list(range(0, len(names), step))
    figure.update_xaxes(
        tickvals=places, ticktext=[escaped(names[p][:22]) for p in places], tickangle=-90,
        tickfont={"size": 10}, fixedrange=True, range=[-0.7, len(names) - 0.3],
    )  # fmt: skip
