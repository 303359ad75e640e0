"""The ranges of a network's values, seen while it runs on images in single precision.

Three ways to make a range of what many batches show: the extremes; the mean of each batch's
extremes; and the mean of each batch's 0.01 % and 99.99 %, which leaves out the rarest values so
that the others get finer steps. Which is best differs by network: `hydranet.quantising` tries them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper

from hydranet.checkpoints.card import Card
from hydranet.checkpoints.weights import Weights
from hydranet.engines.int8.graphs import MAPS, NETWORK, STEM, branch_name, pieces_of
from hydranet.engines.onnx.pieces import Pieces, build
from hydranet.engines.onnx.sessions import open_session
from hydranet.routing.arrays import choose

METHODS = ("extremes", "mean extremes", "mean 99.99 %")
BATCH = 64
_RARE = 1e-4
_MOST_SORTED = 100_000

Ranges = dict[str, dict[str, tuple[float, ...]]]


def calibrate(
    card: Card,
    weights: Weights,
    pixels: NDArray[np.uint8],
    *,
    float_gate: bool,
    on_progress: Callable[[float], None] = lambda part: None,
) -> dict[str, Ranges]:
    """By method: the ranges of all values, on images (M, side, side, 3). A branch sees those that
    fire it; one that none fires sees all. `on_progress` is told which part is done, 0 to 1."""
    network = build(card, weights)
    wanted = pieces_of(network, float_gate=float_gate)
    seen: dict[str, _Seen] = {}
    if not isinstance(network, Pieces):
        seen[NETWORK] = _watch(network, wanted[NETWORK], {"pixels": pixels})
        return {method: _ranges(seen, method) for method in METHODS}
    seen[STEM] = _watch(network.stem, wanted[STEM], {"pixels": pixels})
    maps, fired = _stem(network, card, pixels)
    for index, branch in enumerate(network.branches):
        on_progress((index + 1) / (len(network.branches) + 1))
        rows = (fired == index).any(axis=1)
        own = maps[rows] if rows.any() else maps
        name = branch_name(index)
        seen[name] = _watch(branch, wanted[name], {MAPS: own})
    return {method: _ranges(seen, method) for method in METHODS}


_Seen = dict[str, list[tuple[float, ...]]]
"""Of each value and batch: least, most, and the same without the rarest."""


def _stem(
    network: Pieces, card: Card, pixels: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Maps (M, c, h, w), and the branches that fire, (M, k)."""
    session, branches = open_session(network.stem.SerializeToString()), len(network.branches)
    maps, fired = [], []
    for part in _batches(pixels):
        found = dict(zip(_outputs(session), session.run(None, {"pixels": part}), strict=True))
        scores = found.get("scores", np.zeros((len(part), branches), np.float32))
        maps.append(found[MAPS])
        fired.append(choose(scores, k=card.costs.k)[0])
    return np.concatenate(maps), np.concatenate(fired)


def _watch(model: ModelProto, values: list[str], given: Mapping[str, NDArray]) -> _Seen:
    """What `values` are while the graph runs on its one input."""
    watched = ModelProto()
    watched.CopyFrom(model)
    ((source, rows),) = given.items()
    there = {source, *(output.name for output in model.graph.output)}
    watched.graph.output.extend(
        helper.make_tensor_value_info(value, TensorProto.FLOAT, None)
        for value in values
        if value not in there
    )
    session = open_session(watched.SerializeToString())
    seen: _Seen = {value: [] for value in values}
    for part in _batches(rows):
        found = dict(zip(_outputs(session), session.run(None, {source: part}), strict=True))
        found[source] = part
        for value, batches in seen.items():
            batches.append(_spread(found[value].ravel()))
    return seen


def _outputs(session: object) -> list[str]:
    return [node.name for node in session.get_outputs()]  # type: ignore[attr-defined]  # ONNX Runtime's


def _batches(rows: NDArray) -> Iterator[NDArray]:
    return (rows[at : at + BATCH] for at in range(0, len(rows), BATCH))


def _spread(numbers: NDArray[np.float32]) -> tuple[float, ...]:
    some = np.sort(numbers[:: max(1, len(numbers) // _MOST_SORTED)])
    rare = np.quantile(some, [_RARE, 1 - _RARE])
    return float(numbers.min()), float(numbers.max()), float(rare[0]), float(rare[1])


def _ranges(seen: Mapping[str, _Seen], method: str) -> Ranges:
    return {
        piece: {value: _range(np.array(batches), method) for value, batches in values.items()}
        for piece, values in seen.items()
    }


def _range(batches: NDArray[np.float64], method: str) -> tuple[float, float]:
    """Of (batches, 4), see `_Seen`."""
    if method == METHODS[0]:
        return float(batches[:, 0].min()), float(batches[:, 1].max())
    first = 0 if method == METHODS[1] else 2
    return float(batches[:, first].mean()), float(batches[:, first + 1].mean())
