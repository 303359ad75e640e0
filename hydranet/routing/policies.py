"""Policies: how the branches of a dynamic network are chosen, and how those that ran count.

Light: no torch. Pages, engines and costs ask a policy instead of asking what kind of network it is.
There are four; a network of one's own has one of them, or one of its own with other words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Over the last axis, without overflow; a score of −inf gets 0."""
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What chooses among branches, and the words for it.

    `branch`, `branches`: what a branch is called; `gate`: what chooses, empty where nothing does;
    `combiner`: what joins what ran. `in_a_row`: a branch needs those before it, the last that ran
    answers, and its score is the doubt, 0 to 1, that the one before left; otherwise branches stand
    side by side and a softmax over their scores is how much each is wanted. `by_token`: every token
    of an image has a route of its own. `dial`: what a threshold does, in a sentence.
    """

    branch: str
    branches: str
    gate: str
    combiner: str
    dial: str
    in_a_row: bool = False
    by_token: bool = False

    def wanted(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """How much each branch is wanted, 0 to 1: (…, N) scores → (…, N)."""
        return np.minimum.accumulate(scores, axis=-1) if self.in_a_row else softmax(scores)

    def order(self, scores: NDArray[np.float32]) -> NDArray[np.int64]:
        """(…, N) scores → (…, N) branches, the one that runs first in front."""
        if self.in_a_row:
            return np.broadcast_to(np.arange(scores.shape[-1]), scores.shape)
        return np.argsort(-scores, axis=-1, kind="stable")

    def weights(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """How much each branch that ran counts in the answer.

        `scores`: (…, k), of branches in the policy's order, −inf where one did not run.
        """
        if not self.in_a_row:
            return softmax(scores)
        place = np.arange(scores.shape[-1])
        last = np.where(np.isfinite(scores), place, -1).max(axis=-1, keepdims=True)
        return (place == last).astype(np.float32)


GATED = Policy(
    branch="branch", branches="branches", gate="gate", combiner="combiner",
    dial="Of the k best-scored branches, those that the gate is less confident of do not run; its "
    "best one always does. So k differs from image to image.",
)  # fmt: skip
"""A gate scores the branches from the stem's features, and the k best run."""

ALL_HEADS = Policy(
    branch="head", branches="heads", gate="", combiner="mean",
    dial="No gate chooses, and all heads count alike: above one in so many as there are, the first "
    "runs alone.",
)  # fmt: skip
"""Nothing chooses: the first k heads run and count alike."""

EARLY_EXIT = Policy(
    branch="exit", branches="exits", gate="policy", combiner="last exit", in_a_row=True,
    dial="An exit runs only where the one before it leaves at least so much doubt: 100 % less the "
    "probability of its answer.",
)  # fmt: skip
"""Exits in a row: an image stops at the first that is sure enough."""

EXPERTS = Policy(
    branch="expert", branches="experts", gate="router", combiner="head", by_token=True,
    dial="Of the k experts that a token is sent to, those that the router gives less than this do "
    "not run; its best one always does.",
)  # fmt: skip
"""A router sends every token to the k experts that it scores best."""
