"""A network's graphs in int8, ready to run, from its card, its weights and its calibration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from hydranet.checkpoints.card import Card
from hydranet.checkpoints.weights import Weights
from hydranet.engines.int8.calibration import Calibration
from hydranet.engines.int8.qdq import Range, quantised, values_of, with_packed_output
from hydranet.engines.onnx.pieces import Pieces, build
from hydranet.errors import InputError

NETWORK, STEM, MAPS = "network", "stem", "maps"


def branch_name(index: int) -> str:
    """Of a branch among the pieces."""
    return f"branch {index}"


@dataclass(frozen=True)
class Int8Graphs:
    """`trunk`: pixels (B, side, side, 3) uint8 → logits (B, C) of a static network; of a HydraNet
    maps in uint8 and, where a gate chooses, scores (B, N); `branches`: maps → features (B, D);
    `output_weight` (C, D) and `output_bias` (C,) make logits of their weighted sum."""

    trunk: bytes
    branches: tuple[bytes, ...]
    output_weight: NDArray[np.float32]
    output_bias: NDArray[np.float32]

    @property
    def size(self) -> int:
        """Bytes of all graphs."""
        return len(self.trunk) + sum(map(len, self.branches))


def pieces_of(network: ModelProto | Pieces, *, float_gate: bool) -> dict[str, list[str]]:
    """The values that need a range, by piece."""
    if not isinstance(network, Pieces):
        return {NETWORK: values_of(network)}
    stem = [MAPS] if float_gate else values_of(network.stem)
    branches = (values_of(branch) for branch in network.branches)
    return {STEM: stem, **{branch_name(i): values for i, values in enumerate(branches)}}


def int8_graphs(
    card: Card,
    weights: Weights,
    calibration: Calibration,
    rewrite: Callable[[ModelProto], ModelProto],
) -> Int8Graphs:
    """The graphs, each put through `rewrite`.

    Raises:
        InputError: the calibration is not one of this network.
    """
    network, ranges = build(card, weights), calibration.ranges
    _check(pieces_of(network, float_gate=calibration.float_gate), ranges, card)
    if not isinstance(network, Pieces):
        none = np.zeros((card.architecture.num_classes, 0), np.float32)
        whole = rewrite(quantised(network, ranges[NETWORK]))
        return Int8Graphs(whole.SerializeToString(), (), none, none.sum(axis=1))
    maps = ranges[STEM][MAPS]
    stem = network.stem if calibration.float_gate else quantised(network.stem, ranges[STEM])
    branches = (
        quantised(branch, {**ranges[branch_name(index)], MAPS: maps})
        for index, branch in enumerate(network.branches)
    )
    return Int8Graphs(
        rewrite(with_packed_output(stem, MAPS, maps)).SerializeToString(),
        tuple(rewrite(branch).SerializeToString() for branch in branches),
        network.output_weight.astype(np.float32),
        network.output_bias.astype(np.float32),
    )


def _check(
    needed: Mapping[str, list[str]], given: Mapping[str, Mapping[str, Range]], card: Card
) -> None:
    """Raise InputError unless there is a range for each value, and for nothing else."""
    found = {piece: set(spans) for piece, spans in given.items()}
    if found != {piece: set(values) for piece, values in needed.items()}:
        raise InputError(
            f"The calibration of {card.name} is not one of its network, or was made by another "
            f"version of hydranet. Run: hydranet quantise {card.name} --data DIR"
        )
