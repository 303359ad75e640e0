"""One bar a class. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.charts.figure import AXES, BARE, figure
from app.charts.html import escaped
from app.charts.marks import OUTLINE
from app.charts.palette import ACCENT
from app.charts.specialise.order import by_subtask, class_axis, colour_of, room_for

HEIGHT = 320
_SECOND = "#d55e00"


def accuracy_bars(
    accuracy: NDArray[np.float64], class_names: Sequence[str], subtasks: Sequence[int] | None
) -> go.Figure:
    """Share right of each class in percent, in the colour of its subtask's branch."""
    order = [c for c in by_subtask(len(class_names), subtasks) if not np.isnan(accuracy[c])]
    whose = [f", subtask {subtasks[c]}" if subtasks is not None else "" for c in order]
    return _bars(
        100 * accuracy[order],
        [class_names[c] for c in order],
        [colour_of(c, subtasks) for c in order],
        [f"{escaped(class_names[c])}{w}" for c, w in zip(order, whose, strict=True)],
        "right %{y:.1f} %",
        {"title": {"text": "right (%)"}, "range": [0, 100]},
    )


def difference_bars(difference: NDArray[np.float64], class_names: Sequence[str]) -> go.Figure:
    """By how many points the first network's accuracy on each class is above the second's."""
    order = [int(c) for c in np.argsort(-difference, kind="stable") if not np.isnan(difference[c])]
    values = 100 * difference[order]
    return _bars(
        values,
        [class_names[c] for c in order],
        [ACCENT if value >= 0 else _SECOND for value in values],
        [escaped(class_names[c]) for c in order],
        "%{y:+.1f} points",
        {"title": {"text": "difference (points)"}, "zeroline": True, "zerolinecolor": OUTLINE},
    )


def _bars(
    values: NDArray[np.float64],
    names: Sequence[str],
    colours: list[str],
    hover: list[str],
    figure_of: str,
    axis: Mapping[str, Any],
) -> go.Figure:
    """A bar for each name, over `axis`."""
    bars = {
        "type": "bar",
        "x": np.arange(len(values), dtype=np.int16),
        "y": values.astype(np.float32),
        "marker": {"color": colours},
        "customdata": hover,
        "hovertemplate": "%{customdata}<br>" + figure_of + "<extra></extra>",
    }
    layout = {
        "height": HEIGHT, "margin": {**AXES, "b": room_for(names)}, "bargap": 0.15,
        "showlegend": False, "xaxis": class_axis(names),
        "yaxis": {"fixedrange": True, **axis}, **BARE,
    }  # fmt: skip
    return figure([bars], layout)
