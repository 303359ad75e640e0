"""Any route of one image, answered from branch features that were computed once. Light: no torch.

`examination.examine` runs every branch on the image; after that a change of k, of the threshold or
of a switch costs a small matrix product.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydranet.answer import Answer, softmax
from hydranet.costs import Costs
from hydranet.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Switchboard:
    """Who decides about each branch.

    The gate picks the `k` best-scored of the branches that are left to it, less those that it is
    less confident of than `threshold` (dynamic k; its best pick always runs). Branches in `on` run
    besides, branches in `off` never run.
    """

    k: int
    threshold: float = 0.0
    on: frozenset[int] = frozenset()
    off: frozenset[int] = frozenset()

    @classmethod
    def firing(cls, route: Collection[int], gate_scores: NDArray[np.float32]) -> Switchboard:
        """The settings that run exactly the branches in `route` for an image with these scores.

        Better-scored branches that are not on the route are switched off; the rest is left to k.

        Raises:
            InputError: the route is empty, or names a branch that is not there.
        """
        if not route or not all(0 <= b < len(gate_scores) for b in route):
            raise InputError(
                f"A route needs branches from 0 to {len(gate_scores) - 1}, not {sorted(route)}."
            )
        order = [int(b) for b in np.argsort(-gate_scores, kind="stable")]
        last = max(order.index(b) for b in route)
        return cls(k=len(set(route)), off=frozenset(order[:last]) - frozenset(route))

    def check(self, num_branches: int) -> None:
        """Raise InputError unless the settings fit a network of so many branches."""
        if not 1 <= self.k <= num_branches:
            raise InputError(
                f"k must be from 1 to {num_branches}, the number of branches, not {self.k}."
            )
        if not 0 <= self.threshold <= 1:
            raise InputError(
                f"The threshold of dynamic k must be from 0 to 1, not {self.threshold}."
            )
        if wrong := sorted(b for b in self.on | self.off if not 0 <= b < num_branches):
            raise InputError(f"A branch must be from 0 to {num_branches - 1}, not {wrong[0]}.")
        if both := sorted(self.on & self.off):
            raise InputError(f"Branch {both[0]} cannot be switched both on and off.")
        if len(self.off) == num_branches:
            raise InputError("All branches are switched off. Leave at least one to the gate.")

    def fired(self, gate_scores: NDArray[np.float32]) -> tuple[int, ...]:
        """The branches that run for an image with these scores (N,), best-scored first.

        Raises:
            InputError: the settings do not fit, or nothing would run.
        """
        self.check(len(gate_scores))
        order = [int(b) for b in np.argsort(-gate_scores, kind="stable")]
        confidence = softmax(gate_scores)
        left = [b for b in order if b not in self.on and b not in self.off][: self.k]
        picked = {b for b in left if confidence[b] >= self.threshold} | set(left[:1]) | self.on
        return tuple(b for b in order if b in picked)


@dataclass(frozen=True, kw_only=True)
class Examined:
    """All that a HydraNet computes of one image before a route is chosen.

    `pixels`: (side, side, 3) uint8, what the network sees; `gate_scores`: (N,); `features`: (N, D)
    of every branch; `output_weight`: (C, D) and `output_bias`: (C,), of the combiner.
    """

    pixels: NDArray[np.uint8]
    gate_scores: NDArray[np.float32]
    features: NDArray[np.float32]
    output_weight: NDArray[np.float32]
    output_bias: NDArray[np.float32]
    costs: Costs

    def answer(self, fired: Collection[int]) -> Answer:
        """What the network answers if exactly these branches run, weighted by the gate.

        Raises:
            InputError: no branch is named, or one that is not there.
        """
        count = len(self.gate_scores)
        if not fired:
            raise InputError("At least one branch must run.")
        if wrong := sorted(b for b in fired if not 0 <= b < count):
            raise InputError(f"A branch must be from 0 to {count - 1}, not {wrong[0]}.")
        chosen = sorted(set(fired), key=lambda b: (-self.gate_scores[b], b))
        weights = softmax(self.gate_scores[chosen])  # (k,)
        weighted = self.features[chosen] * weights[:, None]  # (k, D)
        shares = np.asarray(weighted @ self.output_weight.T, np.float32)  # (k, C)
        return Answer(
            logits=shares.sum(axis=0) + self.output_bias,
            gate_scores=self.gate_scores,
            fired=tuple(chosen),
            weights=tuple(float(weight) for weight in weights),
            shares=shares,
            macs=self.costs.macs(len(chosen)),
        )

    def probabilities(self, masks: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Of every class for many routes at once: (S, N) bool, a branch in each row → (S, C)."""
        scores = np.where(masks, self.gate_scores, -np.inf).astype(np.float32)  # (S, N)
        features = softmax(scores) @ self.features  # (S, D)
        logits = features @ self.output_weight.T + self.output_bias  # (S, C)
        return softmax(np.asarray(logits, np.float32))
