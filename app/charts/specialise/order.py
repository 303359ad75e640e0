"""The order in which classes stand in every chart of a data set: by subtask, then by number; and
their names beneath it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.charts.html import escaped
from app.charts.palette import ACCENT, branch_colour


def by_subtask(num_classes: int, subtask_of_class: Sequence[int] | None) -> list[int]:
    """Class numbers in that order; as numbered where branches have no subtasks."""
    if subtask_of_class is None:
        return list(range(num_classes))
    return sorted(range(num_classes), key=lambda label: (subtask_of_class[label], label))


def colour_of(label: int, subtask_of_class: Sequence[int] | None) -> str:
    """Of the branch that the class belongs to."""
    return ACCENT if subtask_of_class is None else branch_colour(subtask_of_class[label])


def blocks(order: Sequence[int], subtask_of_class: Sequence[int]) -> list[tuple[int, int, int]]:
    """Of every subtask: its number, and the first and last place of its classes in `order`."""
    found: list[tuple[int, int, int]] = []
    for place, label in enumerate(order):
        subtask = subtask_of_class[label]
        if found and found[-1][0] == subtask:
            found[-1] = (subtask, found[-1][1], place)
        else:
            found.append((subtask, place, place))
    return found


_MOST_NAMES = 125
_LETTERS = 22


def room_for(names: Sequence[str]) -> int:
    """Pixels that the names of `class_axis` take below a chart; Plotly makes more where letters are
    wide, see `figure.AXES`."""
    return round(6 + 5.2 * max((min(len(name), _LETTERS) for name in names), default=0))


def class_axis(names: Sequence[str]) -> dict[str, Any]:
    """An axis of classes at 0, 1, …: their names, every second, third, … where there are many."""
    places = list(range(0, len(names), -(-len(names) // _MOST_NAMES) or 1))
    return {
        "tickvals": places,
        "ticktext": [escaped(names[place][:_LETTERS]) for place in places],
        "tickangle": -90,
        "tickfont": {"size": 10},
        "ticklabeloverflow": "allow",  # else Plotly measures each name: a third of its drawing
        "range": [-0.7, len(names) - 0.3],
        "fixedrange": True,
    }
