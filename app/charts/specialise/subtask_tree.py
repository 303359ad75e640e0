"""Which classes belong together: by superclass, where those are known, and by subtask. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.charts.figure import BARE, figure
from app.charts.html import escaped
from app.charts.palette import branch_colour, on

HEIGHT = 620
_SUPERCLASS = "#6b7280"


def subtask_tree(
    class_names: Sequence[str],
    subtasks: Sequence[int],
    accuracy: NDArray[np.float64],
    superclasses: Sequence[str] | None = None,
) -> go.Figure:
    """A sunburst, one class as wide as another: superclass, subtask, class; subtask, class where
    superclasses are not known."""
    ids, labels, parents, values, colours, hover = [], [], [], [], [], []

    def add(key: str, label: str, parent: str, value: int, colour: str, said: str) -> None:
        ids.append(key)
        labels.append(label)
        parents.append(parent)
        values.append(value)
        colours.append(colour)
        hover.append(said)

    members: dict[tuple[str, int], list[int]] = {}
    for label, subtask in enumerate(subtasks):
        group = "" if superclasses is None else superclasses[label]
        members.setdefault((group, subtask), []).append(label)
    for group in sorted({group for group, _ in members} - {""}):
        inside = [c for (g, _), classes in members.items() if g == group for c in classes]
        add(f"g{group}", escaped(group), "", len(inside), _SUPERCLASS,
            f"{escaped(group)}<br>{_mean(accuracy, inside)}")  # fmt: skip
    for (group, subtask), classes in sorted(members.items()):
        key, colour = f"s{group}/{subtask}", branch_colour(subtask)
        label_of = str(subtask) if group else f"branch {subtask}"
        add(key, label_of, f"g{group}" if group else "", len(classes), colour,
            f"subtask of branch {subtask}<br>{_mean(accuracy, classes)}")  # fmt: skip
        for label in classes:
            name = escaped(class_names[label])
            add(f"c{label}", name, key, 1, colour, f"{name}<br>{_mean(accuracy, [label])}")
    rings = {
        "type": "sunburst",
        "ids": ids, "labels": labels, "parents": parents, "values": values,
        "branchvalues": "total",
        "marker": {"colors": colours, "line": {"width": 1, "color": "rgba(128,128,128,0.6)"}},
        "customdata": hover, "hovertemplate": "%{customdata}<extra></extra>",
        "insidetextfont": {"color": [on(colour) for colour in colours]}, "leaf": {"opacity": 1},
    }  # fmt: skip
    layout = {"height": HEIGHT, "margin": {"l": 0, "r": 0, "t": 8, "b": 8}, **BARE}
    return figure([rings], layout)


def _mean(accuracy: NDArray[np.float64], labels: list[int]) -> str:
    known = [accuracy[c] for c in labels if not np.isnan(accuracy[c])]
    return f"right {100 * float(np.mean(known)):.1f} %" if known else "no images"
