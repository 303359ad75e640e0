"""What is asked of a network for many images, and what it says of each. Light: no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydranet.checkpoints.card import Card
from hydranet.routing.arrays import check_choice


@dataclass(frozen=True)
class Settings:
    """How branches are chosen: the `k` best-scored, less those that the gate is less confident of
    than `threshold`, 0 to 1. None: the network's own. `int8_sha256`: of the calibration by which
    int8 ran; None: single precision."""

    k: int | None = None
    threshold: float | None = None
    int8_sha256: str | None = None

    def check(self, card: Card) -> None:
        """Raise InputError unless they fit the network."""
        check_choice(card, self.k, self.threshold)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a network made of one image.

    `prediction` and `runner_up`: the two most probable classes, with their probabilities
    (`confidence`, `runner_up_confidence`); `gate_scores`: (N,); `fired`: the branches that ran,
    best-scored first, with their `weights`; `macs`: spent on it.
    """

    prediction: int
    confidence: float
    runner_up: int
    runner_up_confidence: float
    gate_scores: NDArray[np.float32]
    fired: tuple[int, ...]
    weights: tuple[float, ...]
    macs: int


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of item number `index`: `found`, or None and the `reason`; its `label` is that of
    the `Item`."""

    index: int
    file: str
    label: str | int | None = None
    found: Found | None = None
    reason: str = ""
