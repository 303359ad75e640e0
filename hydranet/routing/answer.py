"""What a network answered on one image, as arrays. Light: no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydranet.routing.policies import GATED, Policy, softmax


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One image's logits and how they came about.

    `logits`: (C,). For a dynamic network, `gate_scores`: (N,), `fired`: the branches that ran,
    best-scored first, `weights`: how much each counts, and `shares`: (k, C), what each adds to
    every logit (exact; with the combiner's bias they sum to the logits; (0, C) where the combiner
    is no sum); for a static network all four are empty. `macs`: multiply–accumulates spent on this
    image, `branch_macs`: on each branch that ran, in the order of `fired`. `policy`: what chose.
    `tokens`: (T, k), of a network that routes by token, the branches of each, −1 where padded, and
    `token_weights` (T, k), how much each counts there.
    """

    logits: NDArray[np.float32]
    gate_scores: NDArray[np.float32]
    fired: tuple[int, ...]
    weights: tuple[float, ...]
    shares: NDArray[np.float32]
    macs: int
    branch_macs: tuple[int, ...] = ()
    policy: Policy = GATED
    tokens: NDArray[np.int64] | None = None
    token_weights: NDArray[np.float32] | None = None

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """(C,) softmax of the logits."""
        return softmax(self.logits)

    @property
    def gate_confidence(self) -> NDArray[np.float32]:
        """(N,): how much each branch was wanted, 0 to 1."""
        return self.policy.wanted(self.gate_scores) if len(self.gate_scores) else self.gate_scores

    @property
    def best(self) -> int:
        """The most probable class."""
        return int(np.argmax(self.logits))

    @property
    def gate_margin(self) -> tuple[int, int, float] | None:
        """The last branch chosen, the first refused, and the score between them; None where
        nothing was refused. Negative where a branch fired against the gate's order."""
        refused = [b for b in self.policy.order(self.gate_scores) if int(b) not in self.fired]
        if not refused or not self.fired:
            return None
        last, first = self.fired[-1], int(refused[0])
        return last, first, float(self.gate_scores[last] - self.gate_scores[first])

    def top(self, count: int = 5) -> list[tuple[int, float]]:
        """The `count` most probable classes with their probabilities, best first."""
        probabilities = self.probabilities
        order = np.argsort(-probabilities, kind="stable")[:count]
        return [(int(c), float(probabilities[c])) for c in order]
