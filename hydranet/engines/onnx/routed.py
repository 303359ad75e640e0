"""Runs a HydraNet in pieces, from many threads at once: see `alone` and `lane`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hydranet.checkpoints.card import Card
from hydranet.engines.engine import Outputs, joined
from hydranet.engines.onnx.alone import Alone
from hydranet.engines.onnx.buffers import aligned, value
from hydranet.engines.onnx.graphs import Linked
from hydranet.engines.onnx.lane import Lane
from hydranet.engines.onnx.memory import Floats, Whole
from hydranet.engines.onnx.names import SCORES, of_branch
from hydranet.engines.onnx.pool import Pool
from hydranet.engines.onnx.sessions import open_session
from hydranet.routing.arrays import PADDING

if TYPE_CHECKING:
    from onnxruntime import OrtValue

CHUNK = 64
"""Images of which rows are gathered for the branches, at most; more are cut up."""

MAP_BYTES = 2**23
"""That the stem's maps of those images may take: fewer large images go through at once."""


class RoutedRunner:
    """May be used from many threads at once."""

    def __init__(self, graphs: Linked, card: Card, *, threads: int = 1) -> None:
        self.card, self.output = card, (graphs.output_weight, graphs.output_bias)
        own = {name: _copied(values) for name, values in graphs.constants.items()}
        self.constants: list[dict[str, OrtValue]] = [
            {name: value(values[branch]) for name, values in own.items()}
            for branch in range(card.costs.num_branches)
        ]
        self.stem, self.branch, self.head, self.head_of_one = (
            open_session(graph, threads=threads)
            for graph in (graphs.stem, graphs.branch, graphs.head, graphs.head_of_one)
        )
        every = {
            of_branch(name, branch): constant
            for branch, constants in enumerate(self.constants)
            for name, constant in constants.items()
        }
        self.together = open_session(graphs.together, threads=threads, constants=every)
        side = card.architecture.image_size
        names = [node.name for node in self.stem.get_outputs() if node.name != SCORES]
        found = self.stem.run(names, {"pixels": np.zeros((1, side, side, 3), np.uint8)})
        self.shared = {name: maps.shape[1:] for name, maps in zip(names, found, strict=True)}
        bytes_of_one = sum(maps.nbytes for maps in found)
        self.chunk = min(CHUNK, max(1, MAP_BYTES // bytes_of_one))
        self._lanes = Pool(lambda: _Lanes(self))

    def run(
        self, pixels: NDArray[np.uint8], *, k: int, threshold: float, fired: Whole | None
    ) -> Outputs:
        """See `Engine.run`; what is given has been checked."""
        if len(pixels) == 1:
            return self._lanes.run(
                lambda lane: lane.alone.run(pixels, k=k, threshold=threshold, fired=fired)
            )

        def one(part: slice) -> Outputs:
            given = None if fired is None else fired[part]
            return self._lanes.run(
                lambda lane: lane.batch.run(pixels[part], k=k, threshold=threshold, fired=given)
            )

        starts = range(0, len(pixels), self.chunk)
        return joined([one(slice(start, start + self.chunk)) for start in starts])

    def every(self, pixels: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """One image (side, side, 3): gate scores (N,) and the features of all branches (N, D)."""
        return self._lanes.run(lambda lane: lane.alone.every(pixels))

    def fingerprint(self, question: NDArray[np.uint8]) -> Floats:
        """Numbers in which every weight has a part, of one image (side, side, 3)."""
        branches = len(self.constants)
        found = self.run(question[None], k=branches, threshold=0, fired=None)
        every = self.every(question)[1]  # in the order of branches, whatever the gate's is
        most = np.stack([np.arange(branches)] * 2)
        most[1, 1:2] = PADDING  # so that they run together
        together = self.run(np.stack([question] * 2), k=branches, threshold=0, fired=most)
        parts = (found.logits, found.gate_scores, every, together.logits)
        return np.concatenate([part.ravel() for part in parts])


class _Lanes:
    """Memory of one caller, each kind taken when it is first needed."""

    def __init__(self, runner: RoutedRunner) -> None:
        self._runner = runner

    @cached_property
    def alone(self) -> Alone:
        """For one image."""
        return Alone(self._runner)

    @cached_property
    def batch(self) -> Lane:
        """For more."""
        return Lane(self._runner)


def _copied(values: Floats) -> Floats:
    memory = aligned(values.shape)
    memory[:] = values
    return memory
