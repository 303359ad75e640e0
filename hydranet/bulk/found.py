"""From what an engine gives for a batch to what is said of each image. Light: no torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydranet.answer import softmax
from hydranet.bulk.rows import Found, Settings
from hydranet.card import Card
from hydranet.engines import Engine, Outputs


def run_pixels(engine: Engine, pixels: NDArray[np.uint8], settings: Settings) -> list[Found]:
    """One batch, (B, side, side, 3), through a network.

    Raises:
        InputError: the settings or the images do not fit the network.
    """
    settings.check(engine.card)
    outputs = engine.run(pixels, k=settings.k, threshold=settings.threshold)
    return found_in(engine.card, outputs)


def found_in(card: Card, outputs: Outputs) -> list[Found]:
    """The two most probable classes, the route and the cost of each image."""
    probabilities = softmax(outputs.logits)  # (B, C)
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]  # (B, 2)
    confidence = np.take_along_axis(probabilities, best, axis=1)  # (B, 2)
    counts = outputs.counts.tolist()
    return [
        Found(
            prediction=int(best[i, 0]),
            confidence=float(confidence[i, 0]),
            runner_up=int(best[i, 1]),
            runner_up_confidence=float(confidence[i, 1]),
            gate_scores=outputs.gate_scores[i],
            fired=tuple(outputs.fired[i, :count].tolist()),
            weights=tuple(outputs.weights[i, :count].tolist()),
            macs=card.costs.macs(count),
        )
        for i, count in enumerate(counts)
    ]
