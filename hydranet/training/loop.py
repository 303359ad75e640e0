"""The training loop: epochs of batches, a validation after each, a saved state after each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hydranet.data.batches import Batches
from hydranet.errors import InputError
from hydranet.models.hydra import HydraOutput
from hydranet.models.network import Network
from hydranet.training.backend import compile_in_place
from hydranet.training.distillation import Teacher
from hydranet.training.history import EpochRecord
from hydranet.training.optimiser import make_optimiser
from hydranet.training.recipe import Recipe
from hydranet.training.state import load_state, save_state
from hydranet.training.step import Tally, TrainingStep

_EVALUATION_BATCH = 250
_CHECK_EVERY = 50


@dataclass(frozen=True)
class Progress:
    """How far a run is; handed to the caller after every step.

    `record` is set after the last step of an epoch and carries what the epoch gave.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    images_per_second: float
    record: EpochRecord | None = None


ProgressCallback = Callable[[Progress], None]


def fit(
    model: Network,
    train: Batches,
    validation: Batches,
    *,
    recipe: Recipe,
    subtask_of_class: Tensor | None = None,
    teacher: Teacher | None = None,
    state_path: Path | None = None,
    resume: bool = False,
    identity: dict[str, Any] | None = None,
    on_progress: ProgressCallback = lambda progress: None,
) -> list[EpochRecord]:
    """Train `model` in place by a recipe without "auto"; returns a record of each epoch.

    `subtask_of_class`: (C,) int64, for a HydraNet; `teacher`: to learn from. With `state_path` the
    state is saved after each epoch, and `resume` goes on from it: the result is the same as without
    the break.

    Raises:
        InputError: the loss is no number any more, or the saved state cannot be used.
    """
    device = next(model.parameters()).device
    optimizer = make_optimiser(model, recipe)
    history: list[EpochRecord] = []
    if resume and state_path is not None and state_path.exists():
        history = load_state(state_path, model=model, optimizer=optimizer, identity=identity or {})
    model.to(memory_format=torch.channels_last)
    if recipe.compile == "on":
        compile_in_place(model)
    step = TrainingStep(model, optimizer, recipe, subtask_of_class, teacher)
    run = _Run(model, recipe, step, device, on_progress)
    for epoch in range(len(history), recipe.epochs):
        history.append(run.epoch(epoch, train, validation))
        if state_path is not None:
            save_state(
                state_path,
                model=model,
                optimizer=optimizer,
                history=history,
                identity=identity or {},
            )
    return history


@dataclass
class _Run:
    model: Network
    recipe: Recipe
    train_on: TrainingStep
    device: torch.device
    on_progress: ProgressCallback

    def epoch(self, epoch: int, train: Batches, validation: Batches) -> EpochRecord:
        """One pass over the training images, then one over the validation images."""
        recipe = self.recipe
        batch = min(recipe.batch_size, len(train))
        steps = max(len(train) // batch, 1)
        self.model.train()
        tally = Tally.zero(self.device, getattr(self.model.config, "num_branches", 0))
        start = time.perf_counter()
        loss_now = math.nan
        for step, (images, labels) in enumerate(
            train.shuffled(batch, seed=recipe.seed * 100_003 + epoch)
        ):
            at, of = epoch * steps + step, recipe.epochs * steps
            rate = recipe.rate(at, of)
            loss = self.train_on(images, labels, epoch=epoch, rate=rate, done=at / of, tally=tally)
            if step % _CHECK_EVERY == 0 or step == steps - 1 or self.device.type == "cpu":
                loss_now = float(loss)
                self._check(loss_now, epoch, step)
            seconds = time.perf_counter() - start
            self.on_progress(
                Progress(epoch, recipe.epochs, step + 1, steps, loss_now, tally.images / seconds)
            )
        seconds = time.perf_counter() - start
        record = EpochRecord(
            epoch=epoch,
            loss=round(float(tally.loss) / tally.images, 5),
            train_top1=round(100 * float(tally.correct) / tally.images, 3),
            validation_top1=round(self._validate(validation), 3),
            learning_rate=rate,
            images_per_second=round(tally.images / seconds, 1),
            seconds=round(time.perf_counter() - start, 2),
            hit_rate=self._hit_rate(tally),
            branch_load=[round(share, 5) for share in (tally.load / tally.images).tolist()],
            loss_terms=tally.means(),
        )
        self.on_progress(
            Progress(epoch, recipe.epochs, steps, steps, loss_now, record.images_per_second, record)
        )
        return record

    def _check(self, loss: float, epoch: int, step: int) -> None:
        if not math.isfinite(loss):
            raise InputError(
                f"The loss is {loss} at step {step + 1} of epoch {epoch + 1}: training has "
                f"diverged. Try a learning rate below {self.recipe.learning_rate:g}, or float32 "
                "precision; --resume goes on from the epoch before."
            )

    def _hit_rate(self, tally: Tally) -> float | None:
        if self.train_on.subtask_of_class is None:
            return None
        return round(100 * float(tally.hits) / tally.images, 3)

    @torch.no_grad()
    def _validate(self, validation: Batches) -> float:
        """Top-1 in percent, in float32 and not compiled, as the finished network will be used."""
        self.model.eval()
        correct = 0
        with torch.compiler.set_stance("force_eager"):
            for images, labels in validation.in_order(_EVALUATION_BATCH):
                output = self.model(images)
                logits = output.logits if isinstance(output, HydraOutput) else output
                correct += int((logits.argmax(dim=1) == labels).sum())
        return 100 * correct / len(validation)
