"""One image after another through a HydraNet, everything bound beforehand.

The arithmetic of one image takes less than a millisecond, so all that is between ONNX Runtime's
calls shows: no array is made where numbers do, and nothing is bound that was bound before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hydranet.array_routing import PADDING, choose, choose_for_one
from hydranet.engines.engine import Outputs
from hydranet.engines.onnx.buffers import Buffer, Shaped
from hydranet.engines.onnx.calls import Calls
from hydranet.engines.onnx.memory import Floats, Whole
from hydranet.engines.onnx.names import SCORES

if TYPE_CHECKING:
    from hydranet.engines.onnx.routed import RoutedRunner


class Alone:
    """Memory for one image; serves one call at a time."""

    def __init__(self, runner: RoutedRunner) -> None:
        config, branches = runner.card.architecture, len(runner.constants)
        side, self._width = config.image_size, runner.output[0].shape[1]
        self._runner = runner
        self._pixels = Buffer((1, side, side, 3), np.uint8)
        self._scores, self._logits = Buffer((1, branches)), Buffer((1, config.num_classes))
        self._scores.array[:] = 0  # where no gate chooses
        self._features = Buffer((branches, self._width, 1, 1))
        self._maps = {name: Buffer((1, *shape)).rows(1) for name, shape in runner.shared.items()}
        given = {SCORES: self._scores.rows(1)} if config.has_subtasks else {}
        self._stem = Calls(runner.stem)
        self._stem.bind(pixels=self._pixels.rows(1), **self._maps, **given)
        self._each: dict[tuple[int, int], Calls] = {}
        self._answers: dict[int, _Answer] = {}

    def run(
        self, pixels: NDArray[np.uint8], *, k: int, threshold: float, fired: Whole | None
    ) -> Outputs:
        """See `Engine.run`; `pixels`: (1, side, side, 3)."""
        self._pixels.array[:] = pixels
        self._stem.run()
        scores = self._scores.array
        found = choose_for_one(scores, k=k, threshold=threshold, fired=fired)
        order, weights = found or _as_lists(choose(scores, k=k, threshold=threshold, fired=fired))
        for place, branch in enumerate(order):
            if branch == PADDING:
                self._features.array[place] = 0
            else:
                self._branch(branch, place).run()
        answer = self._answer(len(order))
        answer.weights[:] = weights
        answer.calls.run()
        return Outputs(
            self._logits.array.copy(),
            scores.copy(),
            np.array([order], np.int64),
            answer.weights.copy(),
            answer.features.copy(),
        )

    def every(self, pixels: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """Gate scores (N,) and the features of all branches (N, D)."""
        self._pixels.array[:] = pixels
        self._stem.run()
        branches = len(self._features.array)
        for branch in range(branches):
            self._branch(branch, branch).run()
        return self._scores.array[0].copy(), self._features.array.reshape(branches, -1).copy()

    def _branch(self, branch: int, place: int) -> Calls:
        """The branch of that number; its features go to that place."""
        try:
            return self._each[branch, place]
        except KeyError:
            calls = Calls(self._runner.branch, self._runner.constants[branch])
            calls.bind(features=self._features.rows(place + 1, place), **self._maps)
            return self._each.setdefault((branch, place), calls)

    def _answer(self, k: int) -> _Answer:
        """What makes logits of the features in the first k places."""
        try:
            return self._answers[k]
        except KeyError:
            answer = _Answer(self._runner, self._features.shaped(k, self._width), self._logits)
            return self._answers.setdefault(k, answer)


def _as_lists(chosen: tuple[Whole, Floats]) -> tuple[list[int], list[float]]:
    return chosen[0][0].tolist(), chosen[1][0].tolist()


class _Answer:
    """`features`: (1, k, D) and `weights` (1, k), as an answer has them, read by `calls`."""

    def __init__(self, runner: RoutedRunner, features: Shaped, logits: Buffer) -> None:
        weights = Buffer((1, len(features.array)))
        self.features, self.weights = features.array[None], weights.array
        self.calls = Calls(runner.head_of_one)
        self.calls.bind(features=features.value, weights=weights.rows(1), logits=logits.rows(1))
