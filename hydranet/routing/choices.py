"""What other routes would have given for one image: the gate's choice among its alternatives.

Light: every route is answered from features that were computed once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydranet.routing.switchboard import Examined

ALL_SUBSETS = 12
"""Up to so many branches, every subset of all of them is tried."""
BEST_SCORED = 6
"""With more branches, every subset of so many best-scored ones."""


@dataclass(frozen=True)
class Change:
    """The route with one branch removed or added: the `probability` of the class in question then,
    and the most probable class (`answer`)."""

    branch: int
    added: bool
    probability: float
    answer: int


@dataclass(frozen=True)
class Subsets:
    """Routes over `pool`: `masks` (S, N) bool, `probability` (S,) of the class in question, `macs`
    (S,), `answers` (S,) the most probable class. `chosen` and `best` index the route that ran and
    the best one of at most its cost."""

    pool: tuple[int, ...]
    masks: NDArray[np.bool_]
    probability: NDArray[np.float32]
    macs: NDArray[np.int64]
    answers: NDArray[np.int64]
    chosen: int
    best: int

    @property
    def regret(self) -> float:
        """How much more probable the class would be by the best route of no higher cost; ≥ 0."""
        return float(self.probability[self.best] - self.probability[self.chosen])

    def fired(self, index: int) -> tuple[int, ...]:
        """The branches of a route."""
        return tuple(int(b) for b in np.flatnonzero(self.masks[index]))


def single_changes(examined: Examined, fired: Collection[int], class_index: int) -> list[Change]:
    """Every route that differs from `fired` in one branch; the only one that runs is not removed.

    Weights are the gate's over what runs then, as everywhere.
    """
    count = len(examined.gate_scores)
    runs = _mask(fired, count)
    changed = [b for b in range(count) if not (runs[b] and len(fired) == 1)]
    masks = np.tile(runs, (len(changed), 1))
    masks[np.arange(len(changed)), changed] ^= True
    probabilities = examined.probabilities(masks)  # (S, C)
    return [
        Change(b, not runs[b], float(row[class_index]), int(row.argmax()))
        for b, row in zip(changed, probabilities, strict=True)
    ]


def every_subset(examined: Examined, fired: Collection[int], class_index: int) -> Subsets:
    """Every route over all branches (up to `ALL_SUBSETS`) or over the `BEST_SCORED` best-scored
    ones; the route `fired` stands among them, whatever it runs."""
    count = len(examined.gate_scores)
    order = examined.policy.order(examined.gate_scores)
    pool = tuple(int(b) for b in (order if count <= ALL_SUBSETS else order[:BEST_SCORED]))
    numbers = np.arange(1, 2 ** len(pool))
    masks = np.zeros((len(numbers), count), bool)
    masks[:, pool] = (numbers[:, None] >> np.arange(len(pool))) & 1
    runs = _mask(fired, count)
    same = np.flatnonzero((masks == runs).all(axis=1))
    if not len(same):
        masks = np.vstack([masks, runs])
    chosen = int(same[0]) if len(same) else len(masks) - 1
    probabilities = examined.probabilities(masks)  # (S, C)
    probability = probabilities[:, class_index]
    macs = examined.macs(masks)
    affordable = np.flatnonzero(macs <= macs[chosen])
    best = int(affordable[probability[affordable].argmax()])
    if probability[best] <= probability[chosen]:
        best = chosen
    return Subsets(pool, masks, probability, macs, probabilities.argmax(axis=1), chosen, best)


def _mask(fired: Collection[int], count: int) -> NDArray[np.bool_]:
    mask = np.zeros(count, bool)
    mask[list(fired)] = True
    return mask
