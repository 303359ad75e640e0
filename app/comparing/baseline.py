"""Which static network of ours stands beside a HydraNet. Draws nothing."""

from __future__ import annotations

from collections.abc import Iterable

from app.words.teacher import taught_alike
from hydranet.checkpoints import Checkpoint
from hydranet.checkpoints.card import Card


def top1_of_route(card: Card, fired: int) -> float:
    """Top-1 on the test split in percent if so many branches run for each image."""
    by_k = card.test.top1_by_k
    return by_k[fired - 1] if by_k else card.test.top1


def static_baseline(
    card: Card, checkpoints: Iterable[Checkpoint], top1: float
) -> Checkpoint | None:
    """The static network whose top-1 is nearest to `top1`, of those that were trained and tested on
    the same images, with a teacher if `card` had one and else without; None where there is none."""
    same = [
        other
        for other in checkpoints
        if not other.card.costs.num_branches
        and other.card.class_names == card.class_names
        and other.card.data.train_sha256 == card.data.train_sha256
        and other.card.data.test_sha256 == card.data.test_sha256
        and taught_alike(other.card.teacher, card.teacher)
    ]
    return min(same, key=lambda other: abs(other.card.test.top1 - top1), default=None)
