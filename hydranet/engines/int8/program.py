"""From a checkpoint to what runs it in int8: from the cache where it has it, else built and kept.

What is built answers one picture of noise, and so do the same graphs as they stand, in which every
integer is computed with as its number in floating point. Where the two disagree, this processor's
integer arithmetic is not what the calibration was measured with (without VNNI, sums of 16 bits
overflow), and the engine does not open.
"""

from __future__ import annotations

import json
import platform
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from hydranet.checkpoints import Checkpoint
from hydranet.checkpoints.card import Card
from hydranet.checkpoints.weights import Weights, read_weights
from hydranet.engines.int8.calibration import Calibration
from hydranet.engines.int8.graphs import Int8Graphs, int8_graphs
from hydranet.engines.int8.runner import Int8Runner
from hydranet.engines.onnx import cache
from hydranet.engines.onnx.optimise import optimised
from hydranet.errors import InputError

BUILDER = 1
"""Goes up with every change in what is built, so that nothing older is read."""

TOLERANCE = 0.05
"""Of the largest number in an answer: what rounding the other way here and there may make of it."""

_BRANCH = "branch."


def open_int8(
    checkpoint: Checkpoint, calibration: Calibration, digest: str, *, threads: int = 1
) -> tuple[Int8Runner, int]:
    """What runs the network, and how many bytes its graphs have. `digest`: the calibration's.

    Raises:
        InputError: weights or calibration do not fit, or this processor computes otherwise.
    """
    card = checkpoint.card
    name = cache.key(
        "int8", str(BUILDER), card.weights_sha256, digest,
        json.dumps(card.architecture.to_json(), sort_keys=True), repr(card.normalisation),
        version("onnxruntime"), platform.machine(),
    )  # fmt: skip
    kept = cache.read(name)
    if kept is not None and (found := _kept(kept, card, threads)) is not None:
        return found
    arrays = _built(card, read_weights(checkpoint), calibration)
    found = _kept(arrays, card, threads)
    if found is None:
        raise InputError(
            f"{checkpoint.name} in int8 answers otherwise on this processor than it should, so the "
            "engine int8 is not for this machine. Use the engine onnx."
        )
    cache.write(name, arrays)
    return found


def _built(card: Card, weights: Weights, calibration: Calibration) -> cache.Arrays:
    plain = Int8Runner(int8_graphs(card, weights, calibration, lambda model: model), card)
    graphs = int8_graphs(card, weights, calibration, optimised)
    side = card.architecture.image_size
    question = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    return {
        "trunk": np.frombuffer(graphs.trunk, np.uint8),
        **{f"{_BRANCH}{i}": np.frombuffer(b, np.uint8) for i, b in enumerate(graphs.branches)},
        "output_weight": graphs.output_weight,
        "output_bias": graphs.output_bias,
        "question": question,
        "answer": _answer(plain, question),
    }


def _kept(arrays: cache.Arrays, card: Card, threads: int) -> tuple[Int8Runner, int] | None:
    """What runs the graphs in these arrays, or None where they do not answer as they should."""
    try:
        count = sum(name.startswith(_BRANCH) for name in arrays)
        graphs = Int8Graphs(
            arrays["trunk"].tobytes(),
            tuple(arrays[f"{_BRANCH}{index}"].tobytes() for index in range(count)),
            arrays["output_weight"],
            arrays["output_bias"],
        )
        runner = Int8Runner(graphs, card, threads=threads)
        answer = _answer(runner, arrays["question"])
    except Exception:  # ONNX Runtime's errors have no other base; all mean that these do not run
        return None
    expected = arrays["answer"]
    most = TOLERANCE * max(1.0, float(np.abs(expected).max()))
    return (runner, graphs.size) if np.abs(answer - expected).max() <= most else None


def _answer(runner: Int8Runner, question: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Numbers in which every weight has a part."""
    branches = runner.card.costs.num_branches
    if not branches:
        return runner.run(question[None]).logits[0]
    scores, features = runner.every(question)
    return np.concatenate([scores, features.ravel()])
