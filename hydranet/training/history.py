"""What each epoch of a training run gave. Light: the pages draw it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch gave. Accuracies and rates in percent, `branch_load` in shares of images.

    `loss_terms`: what `loss` is the sum of, by name, each weighted as in the loss; empty in records
    of before they were kept.
    """

    epoch: int
    loss: float
    train_top1: float
    validation_top1: float
    learning_rate: float
    images_per_second: float
    seconds: float
    hit_rate: float | None = None
    branch_load: list[float] = field(default_factory=list)
    loss_terms: dict[str, float] = field(default_factory=dict)
