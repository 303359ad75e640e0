"""The order in which classes stand in every chart of a data set: by subtask, then by number."""

from __future__ import annotations

from collections.abc import Sequence

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


BARE = {"paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)"}
