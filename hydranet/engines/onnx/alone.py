"""One image after another through a HydraNet, everything bound beforehand.

The arithmetic of one image takes less than a millisecond, so all that is between ONNX Runtime's
calls shows: no array is made where numbers do, and nothing is bound that was bound before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hydranet.engines.engine import Outputs
from hydranet.engines.onnx.buffers import Buffer, Shaped
from hydranet.engines.onnx.calls import Calls
from hydranet.engines.onnx.memory import Floats, Whole
from hydranet.engines.onnx.names import SCORES
from hydranet.routing.arrays import PADDING, choose, choose_for_one

if TYPE_CHECKING:
    from hydranet.engines.onnx.routed import RoutedRunner

Run = Callable[[], None]


class Alone:
    """Memory for one image; serves one call at a time."""

    def __init__(self, runner: RoutedRunner) -> None:
        config, branches = runner.card.architecture, len(runner.constants)
        side, self._width = config.image_size, runner.output[0].shape[1]
        self._runner = runner
        pixels, scores = Buffer((1, side, side, 3), np.uint8), Buffer((1, branches))
        self._features = Buffer((branches, self._width, 1, 1))
        self._logits = Buffer((1, config.num_classes))
        self._maps = {name: Buffer((1, *shape)).rows(1) for name, shape in runner.shared.items()}
        stem = Calls(runner.stem)
        stem.bind(pixels=pixels.rows(1), **self._maps)
        if config.has_subtasks:
            stem.bind(**{SCORES: scores.rows(1)})
        scores.array[:] = 0  # where no gate chooses
        self._pixels, self._scores, self._run_stem = pixels.array, scores.array, stem.run
        self._score_numbers: memoryview[Any] = memoryview(scores.array[0])
        self._each: list[list[Run | None]] = [[None] * branches for _ in range(branches)]
        self._answers: dict[int, _Answer] = {}

    def run(
        self, pixels: NDArray[np.uint8], *, k: int, threshold: float, fired: Whole | None
    ) -> Outputs:
        """See `Engine.run`; `pixels`: (1, side, side, 3)."""
        self._pixels[:] = pixels
        self._run_stem()
        order, weights = self._chosen(k, threshold, fired)
        answer = self._answers.get(len(order)) or self._answer(len(order))
        places, numbers = answer.places, answer.numbers
        for place, branch in enumerate(order):
            places[place], numbers[place] = branch, weights[place]
            if branch == PADDING:
                self._features.array[place] = 0
            else:
                (self._each[place][branch] or self._bound(branch, place))()
        answer.run()
        return Outputs(
            self._logits.array.copy(),
            self._scores.copy(),
            answer.fired.copy(),
            answer.weights.copy(),
            answer.features.copy(),
        )

    def every(self, pixels: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """Gate scores (N,) and the features of all branches (N, D)."""
        self._pixels[:] = pixels
        self._run_stem()
        branches = len(self._each)
        for branch in range(branches):
            (self._each[branch][branch] or self._bound(branch, branch))()
        return self._scores[0].copy(), self._features.array.reshape(branches, -1).copy()

    def _chosen(
        self, k: int, threshold: float, fired: Whole | None
    ) -> tuple[list[int], list[float]]:
        """What fires and its weights, see `routing.arrays.choose`."""
        given = None if fired is None else fired.tolist()[0]
        scores: list[Any] = self._score_numbers.tolist()
        found = choose_for_one(scores, k=k, threshold=threshold, fired=given)
        if found is not None:
            return found
        chosen, weights = choose(self._scores, k=k, threshold=threshold, fired=fired)
        return chosen[0].tolist(), weights[0].tolist()

    def _bound(self, branch: int, place: int) -> Run:
        """Runs the branch of that number; its features go to that place."""
        calls = Calls(self._runner.branch, self._runner.constants[branch])
        calls.bind(features=self._features.rows(place + 1, place), **self._maps)
        self._each[place][branch] = calls.run
        return calls.run

    def _answer(self, k: int) -> _Answer:
        """What makes logits of the features in the first k places."""
        answer = _Answer(self._runner, self._features.shaped(k, self._width), self._logits)
        return self._answers.setdefault(k, answer)


class _Answer:
    """`run` makes logits of `features`, (1, k, D), and `weights`, (1, k), which are as they are in
    an answer, like `fired`, (1, k). `places` and `numbers` are the same memory as `fired` and
    `weights`: to write a few numbers so takes less than to make an array of them."""

    def __init__(self, runner: RoutedRunner, features: Shaped, logits: Buffer) -> None:
        k = len(features.array)
        weights = Buffer((1, k))
        self.features, self.weights = features.array[None], weights.array
        self.fired = np.zeros((1, k), np.int64)
        self.places: memoryview[Any] = memoryview(self.fired[0])
        self.numbers: memoryview[Any] = memoryview(self.weights[0])
        calls = Calls(runner.head_of_one)
        calls.bind(features=features.value, weights=weights.rows(1), logits=logits.rows(1))
        self.run = calls.run
