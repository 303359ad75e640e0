"""Any route of one image, answered from branch features that were computed once. Light: no torch.

`examination.examine` runs every branch on the image; after that a change of k, of the threshold or
of a switch costs a small matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydranet.costs import Costs
from hydranet.errors import InputError
from hydranet.routing.answer import Answer
from hydranet.routing.policies import GATED, Policy, softmax


@dataclass(frozen=True, kw_only=True)
class Switchboard:
    """Who decides about each branch.

    The gate picks the `k` best-scored of the branches that are left to it, less those that it is
    less confident of than `threshold` (dynamic k; its best pick always runs). Branches in `on` run
    besides, branches in `off` never run. Where branches stand in a row, the first `k` that are left
    to the policy run, up to the first that is sure enough.
    """

    k: int
    threshold: float = 0.0
    on: frozenset[int] = frozenset()
    off: frozenset[int] = frozenset()

    @classmethod
    def firing(
        cls, route: Collection[int], gate_scores: NDArray[np.float32], policy: Policy = GATED
    ) -> Switchboard:
        """The settings that run exactly the branches in `route` for an image with these scores.

        Better-scored branches that are not on the route are switched off; the rest is left to k.

        Raises:
            InputError: the route is empty, or names a branch that is not there.
        """
        if not route or not all(0 <= b < len(gate_scores) for b in route):
            raise InputError(
                f"A route needs branches from 0 to {len(gate_scores) - 1}, not {sorted(route)}."
            )
        order = [int(b) for b in policy.order(gate_scores)]
        last = max(order.index(b) for b in route)
        return cls(k=len(set(route)), off=frozenset(order[:last]) - frozenset(route))

    @classmethod
    def among(cls, route: Collection[int], num_branches: int, *, k: int) -> Switchboard:
        """The settings by which every token has the k best-scored of the branches in `route`, or
        all of them where they are fewer."""
        every = frozenset(range(num_branches))
        return cls(k=min(k, len(set(route))), off=every - frozenset(route))

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

    def fired(self, gate_scores: NDArray[np.float32], policy: Policy = GATED) -> tuple[int, ...]:
        """The branches that run for an image with these scores (N,), best-scored first.

        Raises:
            InputError: the settings do not fit, or nothing would run.
        """
        self.check(len(gate_scores))
        order = [int(b) for b in policy.order(gate_scores)]
        left = [b for b in order if b not in self.on and b not in self.off][: self.k]
        if policy.in_a_row:  # what is switched off says nothing of how sure it is
            asked = policy.wanted(gate_scores[[0, *(b + 1 for b in left[:-1])]])
        else:
            asked = policy.wanted(gate_scores)[left]
        wanted = {b for b, much in zip(left, asked, strict=False) if much >= self.threshold}
        picked = wanted | set(left[:1]) | self.on
        return tuple(b for b in order if b in picked)


@dataclass(frozen=True, kw_only=True)
class Examined:
    """All that a dynamic network computes of one image before a route is chosen.

    `pixels`: (side, side, 3) uint8, what the network sees; `gate_scores`: (N,); `features`: (N, D)
    of every branch; `output_weight`: (C, D) and `output_bias`: (C,), of a combiner that adds the
    branches up. `join`: what any other combiner makes of weights (S, N), as logits (S, C).
    """

    pixels: NDArray[np.uint8]
    gate_scores: NDArray[np.float32]
    features: NDArray[np.float32]
    output_weight: NDArray[np.float32]
    output_bias: NDArray[np.float32]
    costs: Costs
    policy: Policy = GATED
    join: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None

    def run(self, board: Switchboard) -> Answer:
        """What the network answers with these settings.

        Raises:
            InputError: they do not fit, or nothing would run.
        """
        return self.answer(board.fired(self.gate_scores, self.policy))

    def at(self, board: Switchboard) -> Examined:
        """The same, for questions about what would be if some branches ran or did not."""
        return self

    def macs(self, masks: NDArray[np.bool_]) -> NDArray[np.int64]:
        """MACs of many routes at once: (S, N) bool → (S,)."""
        return self.costs.macs_of(masks)

    def answer(self, fired: Collection[int]) -> Answer:
        """What the network answers if exactly these branches run, weighted by the gate.

        Raises:
            InputError: no branch is named, or one that is not there.
        """
        count = len(self.gate_scores)
        check_fired(fired, count)
        wanted = set(fired)
        chosen = [int(b) for b in self.policy.order(self.gate_scores) if b in wanted]
        weights = self.policy.weights(self.gate_scores[chosen])  # (k,)
        weighted = self.features[chosen] * weights[:, None]  # (k, D)
        shares = np.asarray(weighted @ self.output_weight.T, np.float32)  # (k, C)
        if self.join is not None:
            shares = shares[:0]
        branch_macs = self.costs.branch_macs(chosen)
        return Answer(
            logits=shares.sum(axis=0) + self.output_bias
            if self.join is None
            else self.join(self._weights(_mask(chosen, count)[None]))[0],
            gate_scores=self.gate_scores,
            fired=tuple(chosen),
            weights=tuple(float(weight) for weight in weights),
            shares=shares,
            macs=self.costs.always + sum(branch_macs),
            branch_macs=branch_macs,
            policy=self.policy,
        )

    def probabilities(self, masks: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Of every class for many routes at once: (S, N) bool, a branch in each row → (S, C)."""
        weights = self._weights(masks)  # (S, N)
        if self.join is not None:
            return softmax(self.join(weights))
        features = weights @ self.features  # (S, D)
        logits = features @ self.output_weight.T + self.output_bias  # (S, C)
        return softmax(np.asarray(logits, np.float32))

    def _weights(self, masks: NDArray[np.bool_]) -> NDArray[np.float32]:
        """What each branch counts on many routes: (S, N) bool → (S, N)."""
        return self.policy.weights(np.where(masks, self.gate_scores, -np.inf).astype(np.float32))


def check_fired(fired: Collection[int], count: int) -> None:
    """Raise InputError unless some of `count` branches are named, and no other."""
    if not fired:
        raise InputError("At least one branch must run.")
    if wrong := sorted(b for b in fired if not 0 <= b < count):
        raise InputError(f"A branch must be from 0 to {count - 1}, not {wrong[0]}.")


def _mask(branches: Collection[int], count: int) -> NDArray[np.bool_]:
    """(N,): which of `count` branches are named."""
    mask = np.zeros(count, bool)
    mask[list(branches)] = True
    return mask
