"""From a checkpoint to what runs it: from the cache where it has it, else built and kept there.

What is built asks itself one question, a picture of noise, and compares its answer with that of
graphs that ONNX Runtime runs unchanged. The answer is kept with the graphs and asked for again when
they are read: what was made for another processor is found out and built anew.
"""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from hydranet.checkpoints import Checkpoint
from hydranet.checkpoints.card import Card
from hydranet.checkpoints.weights import Weights, arrays_of, fitting, read_checked
from hydranet.engines.onnx import cache
from hydranet.engines.onnx.graphs import Linked, Whole, from_arrays, to_arrays
from hydranet.engines.onnx.routed import RoutedRunner
from hydranet.engines.onnx.whole import WholeRunner

BUILDER = 8
"""Goes up with every change in what is built, so that nothing older is read."""

TOLERANCE = 1e-4
"""Of the largest number in an answer, or of 1 where that is less."""

Runner = WholeRunner | RoutedRunner


def open_runner(checkpoint: Checkpoint, *, threads: int = 1) -> Runner:
    """What runs the network of a checkpoint.

    Raises:
        InputError: the weights are damaged or do not fit.
    """
    content = read_checked(checkpoint)
    card = checkpoint.card
    name = _key(card)
    kept = cache.read(name)
    if kept is not None and (runner := _kept(kept, card, threads)) is not None:
        return runner
    with fitting(checkpoint):
        weights = arrays_of(content)
    return _built(name, card, weights, threads)


def _key(card: Card) -> str:
    network = {"architecture": card.architecture.to_json(), **asdict(card.normalisation)}
    return cache.key(
        str(BUILDER),
        card.weights_sha256,
        json.dumps(network, sort_keys=True),
        version("onnxruntime"),
        platform.machine(),
    )


def _kept(arrays: cache.Arrays, card: Card, threads: int) -> Runner | None:
    """What runs the graphs from the cache, or None where they do not answer here as there."""
    try:
        runner = _runner(from_arrays(arrays), card, threads)
        answer = runner.fingerprint(arrays["question"])
        return runner if _agree(answer, arrays["answer"]) else None
    except Exception:  # ONNX Runtime's errors have no other base; all mean that these do not run
        return None


def _built(name: str, card: Card, weights: Weights, threads: int) -> Runner:
    """What runs the graphs that are built now, and kept: fitted to this machine if they then
    answer as before, else as they are."""
    from hydranet.engines.onnx.link import link
    from hydranet.engines.onnx.pieces import build

    network = build(card, weights)
    plain = link(network, optimise=False)
    side = card.architecture.image_size
    question = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    answer = _runner(plain, card, threads).fingerprint(question)
    asked = {"question": question, "answer": answer}
    try:
        arrays = {**to_arrays(link(network, optimise=True)), **asked}
        runner = _kept(arrays, card, threads)
    except ValueError:  # it came out with other graphs for some branches
        runner = None
    if runner is None:
        arrays = {**to_arrays(plain), **asked}
        runner = _runner(plain, card, threads)
    cache.write(name, arrays)
    return runner


def _runner(graphs: Whole | Linked, card: Card, threads: int) -> Runner:
    if isinstance(graphs, Whole):
        return WholeRunner(graphs, card, threads=threads)
    return RoutedRunner(graphs, card, threads=threads)


def _agree(found: NDArray[np.float32], expected: NDArray[np.float32]) -> bool:
    largest = max(1.0, float(np.abs(expected).max()))
    return bool(np.allclose(found, expected, rtol=0, atol=TOLERANCE * largest))
