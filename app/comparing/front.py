"""The Pareto front: what nothing else beats in accuracy at its cost or less. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.charts.cost_axes import CostAxis
from app.comparing.rows import Entry, unbeaten


@dataclass(frozen=True)
class Setting:
    """A network as it can be run: its cost, its top-1 in percent, and how, in words ("k = 2")."""

    row: Entry
    cost: float
    top1: float
    how: str = ""


def settings(rows: Iterable[Entry], axis: CostAxis) -> list[Setting]:
    """Every way of running the networks whose cost is known: as they are, at every k, and with
    dynamic k at every threshold, where the axis tells these apart."""
    found = []
    for row in rows:
        cost = axis.cost(row)
        if cost is None:
            continue
        found.append(Setting(row, cost, row.top1, "" if row.k is None else f"k = {row.k}"))
        if axis.at_k is None:
            continue
        found += [Setting(row, axis.at_k(at), at.top1, f"k = {at.k}") for at in row.by_k]
        found += [
            Setting(row, axis.at_k(at), at.top1, f"dynamic k, {100 * at.threshold:g} %")
            for at in row.by_threshold
        ]
    return found


def pareto_front(found: Sequence[Setting]) -> list[Setting]:
    """Those that no other equals or beats at the same cost or less: cost and top-1 both rise."""
    return unbeaten(found, lambda setting: setting.cost)
