"""How good the gate is: how often it finds the right branch, and what its misses cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydranet.specialisation.table import RouteTable


@dataclass(frozen=True)
class GateByK:
    """Shares of all images; entry k − 1 of each belongs to k fired branches, all (N,).

    `right`; `hit`: the subtask of the label is among the fired branches; `right_without_hit`: right
    although it is not; `missed`: wrong and not hit, the gate's fault; `confused`: hit but wrong,
    the branches' fault. Where branches have no subtasks, all but `right` are None.
    """

    right: NDArray[np.float64]
    hit: NDArray[np.float64] | None = None
    right_without_hit: NDArray[np.float64] | None = None
    missed: NDArray[np.float64] | None = None
    confused: NDArray[np.float64] | None = None


def _by_rank(table: RouteTable) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Images of each rank (N,); right ones of each rank at each k (N, N); right at some k."""
    count = table.num_branches
    found = table.columns("SELECT * FROM by_rank")
    images, right = np.zeros(count, np.int64), np.zeros((count, count), np.int64)
    for row in range(len(found["n"])):
        rank = int(np.ma.filled(found["rank"], 1)[row]) - 1  # without subtasks: one row
        images[rank] = found["n"][row]
        right[rank] = [found[f"right_{k}"][row] for k in range(1, count + 1)]
    return images, right, int(found["right_ever"].sum())


def gate_by_k(table: RouteTable) -> GateByK:
    """Accuracy and hits of a dynamic network for every k."""
    images, right, _ = _by_rank(table)
    share_right = right.sum(axis=0) / table.rows
    if table.subtask_of_class is None:
        return GateByK(share_right)
    hit = images.cumsum() / table.rows
    # Ranks above k are those that k branches do not reach.
    lucky = np.array([right[k:, k - 1].sum() for k in range(1, len(images) + 1)]) / table.rows
    return GateByK(
        right=share_right,
        hit=hit,
        right_without_hit=lucky,
        missed=(1 - hit) - lucky,
        confused=hit - (share_right - lucky),
    )


@dataclass(frozen=True)
class PerfectGate:
    """What a gate that always ranked the branch of the label's subtask first would be worth.

    Where the log says so, exactly, for 1 to N branches that fire, (N,): `right`, accuracy with such
    a gate, entry 0 of that branch alone; `swapped`, accuracy if that branch ran, where it was
    missed, in place of the last of k with the weight that its score gives it. Both None in logs
    that do not say; then only the images are known where the gate ranked it first (`known`, share
    of images; `right_where_known`, share of those), and the accuracy of that branch alone lies
    between `least` and `most`.

    What any log tells: `patient`, accuracy if each image ran branches in the gate's order until its
    own is among them, at least the default k; `patient_branches`, how many that are on average.
    `any_k`: share of images that are right for at least one k.
    """

    right: NDArray[np.float64] | None
    swapped: NDArray[np.float64] | None
    known: float
    right_where_known: float
    least: float
    most: float
    patient: float
    patient_branches: float
    any_k: float


def perfect_gate(table: RouteTable) -> PerfectGate | None:
    """The ceiling, or bounds of it; None where branches have no subtasks."""
    if table.subtask_of_class is None:
        return None
    images, right, ever = _by_rank(table)
    known = images[0] / table.rows
    least = right[0, 0] / table.rows
    needed = np.maximum(np.arange(1, len(images) + 1), table.k)  # (N,) branches for each rank
    patient = right[np.arange(len(images)), needed - 1].sum() / table.rows
    return PerfectGate(
        right=_better_gate(table, "correct_subtask_first"),
        swapped=_better_gate(table, "correct_with_subtask"),
        known=float(known),
        right_where_known=float(right[0, 0] / images[0]) if images[0] else float("nan"),
        least=float(least),
        most=float(least + 1 - known),
        patient=float(patient),
        patient_branches=float((images * needed).sum() / table.rows),
        any_k=ever / table.rows,
    )


def _better_gate(table: RouteTable, name: str) -> NDArray[np.float64] | None:
    """(N,) share right with 1 to N branches; None where the log does not say."""
    if not table.better_gates:
        return None
    found = table.columns("SELECT * FROM better_gates WHERE name = ?", [name])
    right = [found[f"right_{k}"][0] for k in range(1, table.num_branches + 1)]
    return np.array(right, np.float64) / table.rows
