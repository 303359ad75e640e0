"""What comes after the stem for batches of one size: everything bound, and bound once.

Weights of all branches have passed through the cache when a call returns, so whatever Python does
before the next one is read anew: it does as little as it can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hydranet.engines.engine import Outputs
from hydranet.engines.onnx.buffers import Buffer
from hydranet.engines.onnx.calls import Calls
from hydranet.engines.onnx.memory import Memory, Whole
from hydranet.routing.arrays import choose

if TYPE_CHECKING:
    from hydranet.engines.onnx.routed import RoutedRunner


class ByBranch:
    """One call, in which each branch copies its own rows together, so that its convolutions find
    them in the cache: see `together`. `given`: which branches run is said, not left to the gate."""

    def __init__(
        self, runner: RoutedRunner, memory: Memory, images: int, k: int, *, given: bool
    ) -> None:
        fired, weights = memory.fired.shaped(images, k), memory.weights.shaped(images, k)
        features = memory.features.shaped(images, k, memory.width)
        among = Buffer((images, k if given else memory.branches), np.int64)
        among.array[:] = np.arange(among.array.shape[1])
        count = Buffer((1,), np.int64)
        count.array[:] = k
        self._calls = Calls(runner.together)
        self._calls.bind(
            scores=memory.scores.rows(images), among=among.rows(images), k=count.rows(1),
            fired=fired.value, weights=weights.value, features=features.value,
            logits=memory.logits.rows(images), **memory.maps(images),
        )  # fmt: skip
        self._among = among.array
        self._answer = Outputs(
            logits=memory.logits.array[:images],
            gate_scores=memory.scores.array[:images],
            fired=fired.array,
            weights=weights.array,
            features=features.array,
        )

    def run(self, fired: Whole | None) -> Outputs:
        """The k best-scored branches, or those in `fired`, (B, k)."""
        if fired is not None:
            self._among[:] = fired
        self._calls.run()
        logits, gate_scores, chosen, weights, features, _ = self._answer
        return Outputs(
            logits.copy(), gate_scores.copy(), chosen.copy(), weights.copy(), features.copy()
        )


class EveryBranch:
    """Every branch on all images: one after the other, they read the stem's maps where they lie."""

    def __init__(self, runner: RoutedRunner, memory: Memory, images: int) -> None:
        self._memory, self._images = memory, images
        branches = memory.branches
        self._each = [Calls(runner.branch, constants) for constants in runner.constants]
        for branch, calls in enumerate(self._each):
            rows = memory.rows.rows((branch + 1) * images, branch * images)
            calls.bind(features=rows, **memory.maps(images))
        self._places = memory.fired.shaped(images, branches)
        self._weights = memory.weights.shaped(images, branches)
        self._features = memory.features.shaped(images, branches, memory.width)
        self._head = Calls(runner.head)
        self._head.bind(
            rows=memory.rows.shaped(branches * images, memory.width).value,
            places=self._places.value, weights=self._weights.value,
            features=self._features.value, logits=memory.logits.rows(images),
        )  # fmt: skip

    def run(self, fired: Whole | None) -> Outputs:
        """`fired`: (B, N), every branch in any order."""
        images, scores = self._images, self._memory.scores.array[: self._images]
        chosen, weights = choose(scores, k=self._memory.branches, fired=fired)
        for calls in self._each:
            calls.run()
        self._places.array[:] = chosen * images + np.arange(images)[:, None]
        self._weights.array[:] = weights
        self._head.run()
        return Outputs(
            logits=self._memory.logits.array[:images].copy(),
            gate_scores=scores.copy(),
            fired=chosen,
            weights=weights,
            features=self._features.array.copy(),
        )
