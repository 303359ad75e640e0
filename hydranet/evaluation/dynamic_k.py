"""Dynamic k from a route log: accuracy against average cost, as the threshold moves. Light.

With dynamic k an image runs, of its k best-scored branches, those that the gate is confident of
(`routing.dynamic_route`). Confidence falls along the ranking, so what runs is always the first few
of it, and the log's `correct_by_k` already says whether the answer is right then: no network is
needed. Source of dynamic k: DynK-Hydra, Ileni et al., Complex & Intelligent Systems 2022.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydranet.costs import Costs
from hydranet.errors import InputError
from hydranet.routing.policies import GATED, Policy

THRESHOLDS = (
    0.0, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.13, 0.16,
    0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5,
)  # fmt: skip
"""At which thresholds a card gives the curve; above 0.5 one branch runs, whatever the threshold."""

DOUBTS = tuple(round(0.05 * step, 2) for step in range(20))
"""The same of branches in a row, where a threshold is a doubt and may come near 1."""


@dataclass(frozen=True, kw_only=True)
class DynamicPoint:
    """One setting of the dial: `threshold` in [0, 1]; over all images, the mean of branches fired
    and of MACs spent, and top-1 in percent."""

    threshold: float
    mean_branches: float
    mean_macs: float
    top1: float


def branches_kept(
    gate_scores: NDArray[np.floating], k: int, threshold: float, policy: Policy = GATED
) -> NDArray[np.integer]:
    """How many branches run for each image: (M, N) scores → (M,), from 1 to k."""
    wanted = policy.wanted(gate_scores.astype(np.float32))
    best = -np.sort(-wanted, axis=1)[:, :k]  # (M, k), falling
    return np.maximum((best >= threshold).sum(axis=1), 1)


def dynamic_curve(
    gate_scores: NDArray[np.floating],
    correct_by_k: NDArray[np.bool_],
    costs: Costs,
    *,
    thresholds: Sequence[float] | None = None,
    policy: Policy = GATED,
) -> list[DynamicPoint]:
    """A point for each threshold, of at most `costs.k` branches an image: `THRESHOLDS`, or `DOUBTS`
    where branches stand in a row, unless given.

    `gate_scores`: (M, N); `correct_by_k`: (M, N) bool, column k − 1 for k fired branches.

    Raises:
        InputError: the two do not have one shape.
    """
    if gate_scores.shape != correct_by_k.shape:
        raise InputError(
            "Gate scores and verdicts by k must have one shape (images, branches), not "
            f"{gate_scores.shape} and {correct_by_k.shape}."
        )
    return [
        dynamic_point(
            gate_scores, correct_by_k, costs, k=costs.k, threshold=threshold, policy=policy
        )
        for threshold in thresholds or (DOUBTS if policy.in_a_row else THRESHOLDS)
    ]


def dynamic_point(
    gate_scores: NDArray[np.floating],
    correct_by_k: NDArray[np.bool_],
    costs: Costs,
    *,
    k: int,
    threshold: float,
    policy: Policy = GATED,
) -> DynamicPoint:
    """One point, of at most `k` branches an image; see `dynamic_curve`."""
    spent = np.array([costs.macs(count) for count in range(costs.num_branches + 1)])
    kept = branches_kept(gate_scores, k, threshold, policy)
    right = np.take_along_axis(correct_by_k, kept[:, None] - 1, axis=1)
    return DynamicPoint(
        threshold=threshold,
        mean_branches=round(float(kept.mean()), 4),
        mean_macs=round(float(spent[kept].mean()), 1),
        top1=round(100 * float(right.mean()), 2),
    )
