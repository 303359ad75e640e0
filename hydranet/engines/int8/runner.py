"""Runs a network in int8: all of it, or trunk, branches that fire on their own rows, and head."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydranet.checkpoints.card import Card
from hydranet.engines.engine import Outputs, without_branches
from hydranet.engines.int8.graphs import MAPS, Int8Graphs
from hydranet.engines.int8.qdq import PACKED
from hydranet.engines.onnx.sessions import open_session
from hydranet.routing.arrays import PADDING, choose

CHUNK = 64
"""Images that go through the trunk at once."""

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Whole = NDArray[np.int64]


class Int8Runner:
    """May be used from many threads at once."""

    def __init__(self, graphs: Int8Graphs, card: Card, *, threads: int = 1) -> None:
        self.card, self.output = card, (graphs.output_weight, graphs.output_bias)
        self._trunk = open_session(graphs.trunk, threads=threads)
        self._branches = [open_session(branch, threads=threads) for branch in graphs.branches]
        self._has_gate = card.architecture.has_subtasks

    def run(
        self, pixels: Bytes, *, k: int = 0, threshold: float = 0.0, fired: Whole | None = None
    ) -> Outputs:
        """See `Engine.run`; what is given has been checked."""
        cuts = range(0, len(pixels), CHUNK)
        if not self._branches:
            logits = [
                self._trunk.run(["logits"], {"pixels": pixels[at : at + CHUNK]})[0] for at in cuts
            ]
            return without_branches(np.concatenate(logits))
        parts = []
        for at in cuts:
            maps, gate_scores = self._stem(pixels[at : at + CHUNK])
            given = None if fired is None else fired[at : at + CHUNK]
            chosen, weights = choose(gate_scores, k=k, threshold=threshold, fired=given)
            features = self._features(maps, chosen)
            parts.append((gate_scores, chosen, weights, features))
        gate_scores, chosen, weights, features = map(np.concatenate, zip(*parts, strict=True))
        weighted = np.matmul(weights[:, None], features)[:, 0]  # (B, D)
        weight, bias = self.output
        return Outputs(
            logits=weighted @ weight.T + bias,
            gate_scores=gate_scores,
            fired=chosen,
            weights=weights,
            features=features,
        )

    def every(self, pixels: Bytes) -> tuple[Floats, Floats]:
        """One image (side, side, 3): gate scores (N,) and the features of all branches (N, D)."""
        maps, gate_scores = self._stem(pixels[None])
        return gate_scores[0], self._features(maps, np.arange(len(self._branches))[None])[0]

    def _stem(self, pixels: Bytes) -> tuple[Bytes, Floats]:
        """(B, side, side, 3) → maps and gate scores (B, N), 0 where no gate chooses."""
        names = [MAPS + PACKED, *(["scores"] if self._has_gate else [])]
        maps, *scores = self._trunk.run(names, {"pixels": pixels})
        none = np.zeros((len(pixels), len(self._branches)), np.float32)
        return maps, scores[0] if scores else none

    def _features(self, maps: Bytes, fired: Whole) -> Floats:
        """Of the branches in `fired` (B, k): (B, k, D), 0 where padded."""
        features = np.zeros((*fired.shape, self.output[0].shape[1]), np.float32)
        for branch in np.unique(fired[fired != PADDING]).tolist():
            rows, slots = np.nonzero(fired == branch)
            own = maps if len(rows) == len(maps) else maps[rows]
            features[rows, slots] = self._branches[branch].run(None, {MAPS + PACKED: own})[0]
        return features
