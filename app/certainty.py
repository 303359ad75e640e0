"""How far an answer can be trusted, from what the same network got right on test images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hydranet.evaluation.route_log import RouteLog

_NEIGHBOURS = 500


@dataclass(frozen=True)
class Certainty:
    """`less_sure_than`: share of test images with a more confident answer, in percent;
    `right_when_so`: how often the network is right on the `compared` test images whose confidence
    is nearest to this one's, in percent."""

    less_sure_than: float
    right_when_so: float
    compared: int


def certainty(log: RouteLog, confidence: float) -> Certainty:
    """Place one answer's confidence (0 to 1) among those on the test split."""
    on_test = log.confidence.astype(np.float32)
    right = log.prediction == log.label
    nearest = np.argsort(np.abs(on_test - confidence), kind="stable")[:_NEIGHBOURS]
    return Certainty(
        less_sure_than=100 * float((on_test > confidence).mean()),
        right_when_so=100 * float(right[nearest].mean()),
        compared=len(nearest),
    )
