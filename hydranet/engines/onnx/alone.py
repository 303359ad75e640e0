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
from hydranet.engines.onnx.buffers import Buffer
from hydranet.engines.onnx.calls import Calls
from hydranet.engines.onnx.memory import Floats, Whole
from hydranet.engines.onnx.names import SCORES

if TYPE_CHECKING:
    from hydranet.engines.onnx.routed import RoutedRunner


class Alone:
    """Memory for one image; serves one call at a time."""

    def __init__(self, runner: RoutedRunner) -> None:
        config, branches = runner.card.architecture, len(runner.constants)
        side, width = config.image_size, runner.output[0].shape[1]
        self._runner = runner
        self._pixels, self._logits = (
            Buffer((1, side, side, 3), np.uint8),
            Buffer((1, config.num_classes)),
        )
        self._scores, self._rows = Buffer((1, branches)), Buffer((branches + 1, width, 1, 1))
        self._scores.array[:] = 0  # where no gate chooses
        self._rows.array[branches] = 0
        maps = {name: Buffer((1, *shape)).rows(1) for name, shape in runner.shared.items()}
        given = {SCORES: self._scores.rows(1)} if config.has_subtasks else {}
        self._stem = Calls(runner.stem)
        self._stem.bind(pixels=self._pixels.rows(1), **maps, **given)
        self._each = [Calls(runner.branch, constants) for constants in runner.constants]
        for branch, calls in enumerate(self._each):
            calls.bind(features=self._rows.rows(branch + 1, branch), **maps)
        self._heads: dict[int, _Head] = {}

    def run(
        self, pixels: NDArray[np.uint8], *, k: int, threshold: float, fired: Whole | None
    ) -> Outputs:
        """See `Engine.run`; `pixels`: (1, side, side, 3)."""
        self._pixels.array[:] = pixels
        self._stem.run()
        found = choose_for_one(self._scores.array, k=k, threshold=threshold, fired=fired)
        order, weights = found or _as_lists(
            choose(self._scores.array, k=k, threshold=threshold, fired=fired)
        )
        for branch in order:
            if branch != PADDING:
                self._each[branch].run()
        head = self._head_of(len(order))
        head.places[0], head.weights[0] = order, weights
        head.calls.run()
        return Outputs(
            logits=self._logits.array.copy(),
            gate_scores=self._scores.array.copy(),
            fired=head.places.copy(),
            weights=head.weights.copy(),
            features=head.features.copy(),
        )

    def every(self, pixels: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """Gate scores (N,) and the features of all branches (N, D)."""
        self._pixels.array[:] = pixels
        self._stem.run()
        for calls in self._each:
            calls.run()
        features = self._rows.array[:-1].reshape(len(self._each), -1)
        return self._scores.array[0].copy(), features.copy()

    def _head_of(self, k: int) -> _Head:
        try:
            return self._heads[k]
        except KeyError:
            return self._heads.setdefault(k, _Head(self._runner, self._rows, self._logits, k))


def _as_lists(chosen: tuple[Whole, Floats]) -> tuple[list[int], list[float]]:
    return chosen[0][0].tolist(), chosen[1][0].tolist()


class _Head:
    """The head for k branches: where their features stand among the rows, and their weights. ONNX
    counts −1 from the end, so `PADDING` is the last row, of zeros."""

    def __init__(self, runner: RoutedRunner, rows: Buffer, logits: Buffer, k: int) -> None:
        width = runner.output[0].shape[1]
        places, weights = Buffer((1, k), np.int64), Buffer((1, k))
        features = Buffer((1, k, width))
        self.places, self.weights, self.features = places.array, weights.array, features.array
        self.calls = Calls(runner.head)
        self.calls.bind(
            rows=rows.shaped(len(rows.array), width).value, places=places.rows(1),
            weights=weights.rows(1), features=features.rows(1), logits=logits.rows(1),
        )  # fmt: skip
