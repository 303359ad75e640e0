"""Runs a HydraNet in pieces: its stem and gate, the branches that fire on their own rows, its head.

A branch reads the stem's maps where they lie if it sees all images; else its rows are copied
together first, so that its convolutions find them in the cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hydranet.array_routing import PADDING, choose
from hydranet.card import Card
from hydranet.engines.engine import Outputs
from hydranet.engines.onnx.buffers import Buffer, aligned, value
from hydranet.engines.onnx.calls import Calls
from hydranet.engines.onnx.graphs import Linked
from hydranet.engines.onnx.pool import Pool
from hydranet.engines.onnx.sessions import open_session

if TYPE_CHECKING:
    from onnxruntime import OrtValue

CHUNK = 64
"""Images of which rows are gathered for the branches, at most; more are cut up."""

MAP_BYTES = 2**23
"""That the stem's maps of those images may take: fewer large images go through at once."""

STEM_CHUNK = 16
"""Images that run through the stem at once: so the maps between its layers stay in the cache."""

SCORES = "scores"

Floats = NDArray[np.float32]
Whole = NDArray[np.int64]


class RoutedRunner:
    """May be used from many threads at once."""

    def __init__(self, graphs: Linked, card: Card, *, threads: int = 1) -> None:
        self.card, self.output = card, (graphs.output_weight, graphs.output_bias)
        self.stem, self.branch, self.head = (
            open_session(graph, threads=threads)
            for graph in (graphs.stem, graphs.branch, graphs.head)
        )
        own = {name: _copied(values) for name, values in graphs.constants.items()}
        self.constants: list[dict[str, OrtValue]] = [
            {name: value(values[branch]) for name, values in own.items()}
            for branch in range(card.costs.num_branches)
        ]
        side = card.architecture.image_size
        names = [node.name for node in self.stem.get_outputs() if node.name != SCORES]
        found = self.stem.run(names, {"pixels": np.zeros((1, side, side, 3), np.uint8)})
        self.shared = {name: maps.shape[1:] for name, maps in zip(names, found, strict=True)}
        bytes_of_one = sum(maps.nbytes for maps in found)
        self.chunk = min(CHUNK, max(1, MAP_BYTES // bytes_of_one))
        self._lanes = Pool(lambda: Lane(self))

    def run(
        self, pixels: NDArray[np.uint8], *, k: int, threshold: float, fired: Whole | None
    ) -> Outputs:
        """See `Engine.run`; what is given has been checked."""
        parts = []
        lane = self._lanes.take()
        try:
            for start in range(0, len(pixels), self.chunk):
                part = slice(start, start + self.chunk)
                gate_scores = lane.stem(pixels[part])
                given = None if fired is None else fired[part]
                chosen, weights = choose(gate_scores, k=k, threshold=threshold, fired=given)
                features = lane.features(chosen)
                parts.append(
                    Outputs(
                        logits=lane.head(features, weights),
                        gate_scores=gate_scores,
                        fired=chosen,
                        weights=weights,
                        features=features,
                    )
                )
        finally:
            self._lanes.give(lane)
        return joined(parts)

    def every(self, pixels: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """One image (side, side, 3): gate scores (N,) and the features of all branches (N, D)."""
        lane = self._lanes.take()
        try:
            gate_scores = lane.stem(pixels[None])
            return gate_scores[0], lane.features(np.arange(len(self.constants))[None])[0]
        finally:
            self._lanes.give(lane)

    def fingerprint(self, question: NDArray[np.uint8]) -> Floats:
        """Numbers in which every weight has a part, of one image (side, side, 3)."""
        found = self.run(question[None], k=len(self.constants), threshold=0, fired=None)
        every = self.every(question)[1]  # in the order of branches, whatever the gate's is
        parts = (found.logits, found.gate_scores, every)
        return np.concatenate([part.ravel() for part in parts])


class Lane:
    """Buffers for so many images as a runner takes at once; serves one call at a time.

    `stem` comes first, then the others, for the same images.
    """

    def __init__(self, runner: RoutedRunner) -> None:
        side, classes = runner.card.architecture.image_size, runner.card.architecture.num_classes
        rows, branches = runner.chunk, len(runner.constants)
        width = runner.output[0].shape[1]
        self._stem, self._head = Calls(runner.stem), Calls(runner.head)
        self._branches = [Calls(runner.branch, constants) for constants in runner.constants]
        self._pixels = Buffer((rows, side, side, 3), np.uint8)
        self._maps = {name: Buffer((rows, *shape)) for name, shape in runner.shared.items()}
        self._gathered = {name: Buffer((rows, *shape)) for name, shape in runner.shared.items()}
        self._scores = Buffer((rows, branches))
        self._features = Buffer((max(rows, branches), width))
        self._weighted = Buffer((rows, width))
        self._logits = Buffer((rows, classes))
        self._has_gate = runner.card.architecture.has_subtasks
        if not self._has_gate:
            self._scores.array[:] = 0

    def stem(self, pixels: NDArray[np.uint8]) -> Floats:
        """(B, side, side, 3) → gate scores (B, N); 0 where no gate chooses."""
        images = len(pixels)
        self._pixels.array[:images] = pixels
        for start in range(0, images, STEM_CHUNK):
            stop = min(start + STEM_CHUNK, images)
            outputs = {name: maps.rows(stop, start) for name, maps in self._maps.items()}
            if self._has_gate:
                outputs[SCORES] = self._scores.rows(stop, start)
            self._stem.run(pixels=self._pixels.rows(stop, start), **outputs)
        return self._scores.array[:images].copy()

    def features(self, fired: Whole) -> Floats:
        """Of the branches in `fired` (B, k): (B, k, D), 0 where padded."""
        if len(fired) == 1:
            return self._features_of_one(fired[0].tolist())[None]
        images, k = fired.shape
        order, groups = by_branch(fired)
        images_in_order = order // k
        found = np.zeros((images * k, self._features.array.shape[1]), np.float32)
        for branch, start, stop in groups:
            count = stop - start
            maps = self._taken(images_in_order[start:stop], images)
            self._branches[branch].run(features=self._features.rows(count), **maps)
            found[start:stop] = self._features.array[:count]
        features = np.empty_like(found)
        features[order] = found
        return features.reshape(images, k, -1)  # (B, k, D)

    def _taken(self, chosen: Whole, images: int) -> dict[str, OrtValue]:
        """What the stem gave for the chosen images, which rise, of the so many that there are."""
        count = len(chosen)
        if count == images:
            return {name: maps.rows(images) for name, maps in self._maps.items()}
        for name, gathered in self._gathered.items():
            self._maps[name].array.take(chosen, axis=0, out=gathered.array[:count], mode="clip")
        return {name: gathered.rows(count) for name, gathered in self._gathered.items()}

    def _features_of_one(self, fired: list[int]) -> Floats:
        """The same for one image, (k, D): nothing is gathered, and rows are written in place."""
        maps = {name: maps.rows(1) for name, maps in self._maps.items()}
        for slot, branch in enumerate(fired):
            if branch == PADDING:
                self._features.array[slot] = 0
            else:
                self._branches[branch].run(features=self._features.rows(slot + 1, slot), **maps)
        return self._features.array[: len(fired)].copy()

    def head(self, features: Floats, weights: Floats) -> Floats:
        """Features (B, k, D) and weights (B, k) → logits (B, C)."""
        images = len(features)
        weighted = self._weighted.array[:images, None]  # (B, 1, D)
        np.matmul(weights[:, None], features, out=weighted)
        self._head.run(weighted=self._weighted.rows(images), logits=self._logits.rows(images))
        return self._logits.array[:images].copy()


def by_branch(fired: Whole) -> tuple[Whole, list[tuple[int, int, int]]]:
    """Places of `fired.ravel()`, (B, k), in an order in which branches stand together; and each
    branch with where it starts and stops there. Padding comes first, and is no branch."""
    slots = fired.ravel()
    order = slots.argsort(kind="stable")
    ordered = slots[order]
    cuts = (ordered[1:] != ordered[:-1]).nonzero()[0] + 1
    starts = [0, *cuts.tolist()]
    groups = zip(ordered[starts].tolist(), starts, [*starts[1:], len(slots)], strict=True)
    return order, [group for group in groups if group[0] != PADDING]


def joined(parts: list[Outputs]) -> Outputs:
    """Of several batches, one."""
    if len(parts) == 1:
        return parts[0]
    names = ("logits", "gate_scores", "fired", "weights", "features")
    return Outputs(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})


def _copied(values: Floats) -> Floats:
    memory = aligned(values.shape)
    memory[:] = values
    return memory
