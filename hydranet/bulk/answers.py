"""What a network says of a batch of images, as arrays. Light: no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydranet.bulk.rows import Found, Settings
from hydranet.checkpoints.card import Card
from hydranet.engines import Engine, Outputs
from hydranet.routing.arrays import PADDING
from hydranet.routing.policies import softmax


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Of B images: `classes` (B, 2), the two most probable ones, best first, and `confidence`
    (B, 2), their probabilities; `gate_scores` (B, N); `fired` (B, k), best-scored first, `PADDING`
    behind the last, with `weights` (B, k); `macs` (B,)."""

    classes: NDArray[np.int32]
    confidence: NDArray[np.float32]
    gate_scores: NDArray[np.float32]
    fired: NDArray[np.int16]
    weights: NDArray[np.float32]
    macs: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def ran(self) -> NDArray[np.bool_]:
        """(B, k): False where `fired` is padded."""
        return self.fired != PADDING


def answers_in(card: Card, outputs: Outputs) -> Answers:
    """What the outputs of a card's network mean."""
    probabilities = softmax(outputs.logits)  # (B, C)
    classes = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]  # (B, 2)
    return Answers(
        classes=classes.astype(np.int32),
        confidence=np.take_along_axis(probabilities, classes, axis=1),
        gate_scores=outputs.gate_scores,
        fired=outputs.fired.astype(np.int16),
        weights=outputs.weights,
        macs=outputs.macs(card),
    )


def run_pixels(engine: Engine, pixels: NDArray[np.uint8], settings: Settings) -> Answers:
    """One batch, (B, side, side, 3), through a network.

    Raises:
        InputError: the settings or the images do not fit the network.
    """
    settings.check(engine.card)
    return answers_in(engine.card, engine.run(pixels, k=settings.k, threshold=settings.threshold))


def each(answers: Answers) -> list[Found]:
    """The same image by image."""
    return [
        Found(
            prediction=int(answers.classes[i, 0]),
            confidence=float(answers.confidence[i, 0]),
            runner_up=int(answers.classes[i, 1]),
            runner_up_confidence=float(answers.confidence[i, 1]),
            gate_scores=answers.gate_scores[i],
            fired=tuple(answers.fired[i, ran].tolist()),
            weights=tuple(answers.weights[i, ran].tolist()),
            macs=int(answers.macs[i]),
        )
        for i, ran in enumerate(answers.ran)
    ]


def together(found: list[Found], card: Card) -> Answers:
    """The opposite of `each`, of a card's network."""
    branches = card.costs.num_branches
    k = max((len(one.fired) for one in found), default=0)
    fired = np.full((len(found), k), PADDING, np.int16)
    weights = np.zeros((len(found), k), np.float32)
    for i, one in enumerate(found):
        fired[i, : len(one.fired)], weights[i, : len(one.fired)] = one.fired, one.weights
    classes = [(one.prediction, one.runner_up) for one in found]
    confidence = [(one.confidence, one.runner_up_confidence) for one in found]
    scores = [one.gate_scores for one in found]
    return Answers(
        classes=np.array(classes, np.int32).reshape(-1, 2),
        confidence=np.array(confidence, np.float32).reshape(-1, 2),
        gate_scores=np.array(scores, np.float32).reshape(len(found), branches),
        fired=fired,
        weights=weights,
        macs=np.array([one.macs for one in found], np.int64),
    )
