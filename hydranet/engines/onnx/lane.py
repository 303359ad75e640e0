"""One call of a HydraNet after another, on memory of its own.

Where every branch that fires sees all images, above all where there is one image, branches are
called one by one, and read the stem's maps where they lie. Else all that comes after the stem is
one call, in which each branch first copies its rows together, so that its convolutions find them in
the cache. Between calls there is as little as can be: weights fill the cache, so what comes between
is read anew each time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hydranet.array_routing import PADDING, choose
from hydranet.engines.engine import Outputs
from hydranet.engines.onnx.buffers import Buffer
from hydranet.engines.onnx.calls import Calls
from hydranet.engines.onnx.names import SCORES

if TYPE_CHECKING:
    from hydranet.engines.onnx.routed import RoutedRunner

STEM_CHUNK = 16
"""Images that run through the stem at once: so the maps between its layers stay in the cache."""

Floats = NDArray[np.float32]
Whole = NDArray[np.int64]


class Lane:
    """Buffers for so many images as a runner takes at once; serves one call at a time."""

    def __init__(self, runner: RoutedRunner) -> None:
        config = runner.card.architecture
        images, self._branches = runner.chunk, len(runner.constants)
        rows, self._width = images * self._branches, runner.output[0].shape[1]
        self._stem, self._head = Calls(runner.stem), Calls(runner.head)
        self._one_by_one = [Calls(runner.branch, constants) for constants in runner.constants]
        self._bound_for = [0] * self._branches
        self._together = Calls(runner.together)
        self._pixels = Buffer((images, config.image_size, config.image_size, 3), np.uint8)
        self._maps = {name: Buffer((images, *shape)) for name, shape in runner.shared.items()}
        self._scores, self._every = (
            Buffer((images, self._branches), kind) for kind in (np.float32, np.int64)
        )
        self._every.array[:] = np.arange(self._branches)
        self._has_gate = config.has_subtasks
        if not self._has_gate:
            self._scores.array[:] = 0
        self._k, self._among, self._fired = (Buffer((n,), np.int64) for n in (1, rows, rows))
        self._weights = Buffer((rows,))
        self._rows, self._features = (Buffer((n, self._width)) for n in (rows + 1, rows))
        self._logits = Buffer((images, config.num_classes))

    def run(
        self, pixels: NDArray[np.uint8], *, k: int, threshold: float, fired: Whole | None
    ) -> Outputs:
        """See `Engine.run`."""
        images = len(pixels)
        scores = self._run_stem(pixels)
        if threshold:
            fired = choose(scores, k=k, threshold=threshold)[0]
        count = k if fired is None else fired.shape[1]
        if images == 1 or (count == self._branches and (fired is None or PADDING not in fired)):
            return self._run_one_by_one(scores, *choose(scores, k=k, fired=fired))
        return self._run_together(scores, fired, count)

    def every(self, pixels: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """Of one image, (1, side, side, 3): gate scores (N,), features of all branches (N, D)."""
        scores = self._run_stem(pixels)
        self._run_branches(range(self._branches), 1)
        return scores[0].copy(), self._rows.array[: self._branches].copy()

    def _run_stem(self, pixels: NDArray[np.uint8]) -> Floats:
        """(B, side, side, 3) → gate scores (B, N); 0 where no gate chooses."""
        images = len(pixels)
        self._pixels.array[:images] = pixels
        for start in range(0, images, STEM_CHUNK):
            stop = min(start + STEM_CHUNK, images)
            outputs = {name: maps.rows(stop, start) for name, maps in self._maps.items()}
            if self._has_gate:
                outputs[SCORES] = self._scores.rows(stop, start)
            self._stem.bind(pixels=self._pixels.rows(stop, start), **outputs)
            self._stem.run()
        return self._scores.array[:images]

    def _run_branches(self, branches: Iterable[int], images: int) -> None:
        """Each on all images; the rows of branch b begin at b · images."""
        for branch in branches:
            calls = self._one_by_one[branch]
            if self._bound_for[branch] != images:
                start = branch * images
                maps = {name: maps.rows(images) for name, maps in self._maps.items()}
                calls.bind(features=self._rows.rows(start + images, start), **maps)
                self._bound_for[branch] = images
            calls.run()

    def _run_one_by_one(self, scores: Floats, fired: Whole, weights: Floats) -> Outputs:
        """Of one image the branches in `fired`, (1, k), of more every branch, (B, N)."""
        images, k = fired.shape
        branches = [branch for branch in fired[0].tolist() if branch != PADDING]
        self._run_branches(branches, images)
        rows = self._branches * images
        places, given = self._fired.shaped(images, k), self._weights.shaped(images, k)
        given.array[:] = weights
        if images == 1:
            places.array[:] = fired
        else:
            places.array[:] = fired * images + np.arange(images)[:, None]
        if len(branches) < k:
            places.array[fired == PADDING] = rows
            self._rows.array[rows] = 0
        features = self._features.shaped(images, k, self._width)
        self._head.bind(
            rows=self._rows.rows(rows + 1), places=places.value, weights=given.value,
            features=features.value, logits=self._logits.rows(images),
        )  # fmt: skip
        self._head.run()
        return self._copied(scores, fired, weights, features.array)

    def _run_together(self, scores: Floats, among: Whole | None, k: int) -> Outputs:
        """The k best-scored branches of those in `among`, (B, M), or of all."""
        images = len(scores)
        if among is None:
            candidates = self._every.rows(images)
        else:
            shaped = self._among.shaped(*among.shape)
            shaped.array[:] = among
            candidates = shaped.value
        self._k.array[0] = k
        fired, weights = self._fired.shaped(images, k), self._weights.shaped(images, k)
        features = self._features.shaped(images, k, self._width)
        self._together.bind(
            scores=self._scores.rows(images), among=candidates, k=self._k.rows(1),
            fired=fired.value, weights=weights.value, features=features.value,
            logits=self._logits.rows(images),
            **{name: maps.rows(images) for name, maps in self._maps.items()},
        )  # fmt: skip
        self._together.run()
        return self._copied(scores, fired.array.copy(), weights.array.copy(), features.array)

    def _copied(
        self, scores: Floats, fired: Whole, weights: Floats, features: NDArray[np.float32]
    ) -> Outputs:
        """What the next call does not change."""
        return Outputs(
            logits=self._logits.array[: len(scores)].copy(),
            gate_scores=scores.copy(),
            fired=fired,
            weights=weights,
            features=features.copy(),
        )
