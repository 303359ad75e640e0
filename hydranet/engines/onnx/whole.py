"""Runs a static network."""

from __future__ import annotations

from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from hydranet.checkpoints.card import Card
from hydranet.engines.engine import Outputs, without_branches
from hydranet.engines.onnx.buffers import Buffer
from hydranet.engines.onnx.calls import Calls
from hydranet.engines.onnx.graphs import Whole
from hydranet.engines.onnx.pool import Pool
from hydranet.engines.onnx.sessions import open_session

CHUNK = 16
"""Images that run at once; more are cut up, so that the maps between layers stay in the cache."""


class WholeRunner:
    """May be used from many threads at once."""

    def __init__(self, graphs: Whole, card: Card, *, threads: int = 1) -> None:
        session = open_session(graphs.graph, threads=threads)
        side, self._classes = card.architecture.image_size, card.architecture.num_classes
        self.output = np.zeros((self._classes, 0), np.float32), np.zeros(self._classes, np.float32)
        self._lanes = Pool(lambda: _Lane(Calls(session), side, self._classes))

    def run(self, pixels: NDArray[np.uint8], **_: object) -> Outputs:
        """See `Engine.run`; what is given has been checked."""
        return without_branches(self._logits(pixels))

    def every(self, pixels: NDArray[np.uint8]) -> NoReturn:
        """There are no branches."""
        raise AssertionError("its engine has checked that")

    def _logits(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        logits = np.empty((len(pixels), self._classes), np.float32)

        def one(part: slice) -> None:
            self._lanes.run(lambda lane: lane.run(pixels[part], out=logits[part]))

        for start in range(0, len(pixels), CHUNK):
            one(slice(start, start + CHUNK))
        return logits

    def fingerprint(self, question: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Numbers in which every weight has a part, of one image (side, side, 3)."""
        return self._logits(question[None])[0]


class _Lane:
    """Buffers for up to `CHUNK` images; serves one call at a time."""

    def __init__(self, graph: Calls, side: int, classes: int) -> None:
        self._graph = graph
        self._pixels = Buffer((CHUNK, side, side, 3), np.uint8)
        self._logits = Buffer((CHUNK, classes))

    def run(self, pixels: NDArray[np.uint8], *, out: NDArray[np.float32]) -> None:
        count = len(pixels)
        self._pixels.array[:count] = pixels
        self._graph.bind(pixels=self._pixels.rows(count), logits=self._logits.rows(count))
        self._graph.run()
        out[:] = self._logits.array[:count]
