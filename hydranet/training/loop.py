"""The training loop: epochs of batches, a validation after each, a saved state after each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hydranet.data.batches import Batches
from hydranet.errors import InputError
from hydranet.models.hydra import HydraNet, HydraOutput
from hydranet.models.network import Network
from hydranet.training.backend import autocast, compile_in_place
from hydranet.training.distillation import Teacher
from hydranet.training.history import EpochRecord
from hydranet.training.losses import Targets, loss_terms
from hydranet.training.recipe import Recipe
from hydranet.training.state import load_state, save_state

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
    optimizer = _optimizer(model, recipe)
    history: list[EpochRecord] = []
    if resume and state_path is not None and state_path.exists():
        history = load_state(state_path, model=model, optimizer=optimizer, identity=identity or {})
    model.to(memory_format=torch.channels_last)
    if recipe.compile == "on":
        compile_in_place(model)
    run = _Run(model, optimizer, recipe, subtask_of_class, teacher, device, on_progress)
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


def _optimizer(model: Network, recipe: Recipe) -> torch.optim.SGD:
    """Nesterov SGD; weight decay on matrices and kernels, not on biases and batch norm."""
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() <= 1]
    return torch.optim.SGD(
        [
            {"params": matrices, "weight_decay": recipe.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=recipe.momentum > 0,
    )


@dataclass
class _Tally:
    """Sums over the steps of an epoch, kept on the device."""

    loss: Tensor
    correct: Tensor
    hits: Tensor
    load: Tensor
    images: int = 0

    @classmethod
    def zero(cls, device: torch.device, num_branches: int) -> _Tally:
        scalars = torch.zeros(3, device=device)
        return cls(scalars[0], scalars[1], scalars[2], torch.zeros(num_branches, device=device))


@dataclass
class _Run:
    model: Network
    optimizer: torch.optim.Optimizer
    recipe: Recipe
    subtask_of_class: Tensor | None
    teacher: Teacher | None
    device: torch.device
    on_progress: ProgressCallback

    def epoch(self, epoch: int, train: Batches, validation: Batches) -> EpochRecord:
        """One pass over the training images, then one over the validation images."""
        recipe = self.recipe
        batch = min(recipe.batch_size, len(train))
        steps = max(len(train) // batch, 1)
        self.model.train()
        tally = _Tally.zero(self.device, getattr(self.model.config, "num_branches", 0))
        start = time.perf_counter()
        loss_now = math.nan
        for step, (images, labels) in enumerate(
            train.shuffled(batch, seed=recipe.seed * 100_003 + epoch)
        ):
            at, of = epoch * steps + step, recipe.epochs * steps
            rate = recipe.rate(at, of)
            loss = self._step(images, labels, rate, at / of, tally)
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
        )
        self.on_progress(
            Progress(epoch, recipe.epochs, steps, steps, loss_now, record.images_per_second, record)
        )
        return record

    def _step(
        self, images: Tensor, labels: Tensor, rate: float, done: float, tally: _Tally
    ) -> Tensor:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with autocast(self.recipe, self.device):
            output = self._forward(images)
        opinion = None if self.teacher is None else self.teacher.logits(images)
        targets = Targets(labels, self.subtask_of_class, opinion, done)
        loss = reduce(torch.add, loss_terms(output, targets, self.recipe).values())
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            logits = output.logits if isinstance(output, HydraOutput) else output
            tally.images += len(labels)
            tally.loss += loss.detach() * len(labels)
            tally.correct += (logits.argmax(dim=1) == labels).sum()
            if isinstance(output, HydraOutput) and self.subtask_of_class is not None:
                mask = output.route.mask  # (B, N)
                tally.load += mask.sum(dim=0)
                tally.hits += mask.gather(1, self.subtask_of_class[labels][:, None]).sum()
        return loss.detach()

    def _forward(self, images: Tensor) -> Tensor | HydraOutput:
        if isinstance(self.model, HydraNet):
            engine = "eager" if self.recipe.execution == "fired" else "reference"
            return self.model(images, engine=engine)
        return self.model(images)

    def _check(self, loss: float, epoch: int, step: int) -> None:
        if not math.isfinite(loss):
            raise InputError(
                f"The loss is {loss} at step {step + 1} of epoch {epoch + 1}: training has "
                f"diverged. Try a learning rate below {self.recipe.learning_rate:g}, or float32 "
                "precision; --resume goes on from the epoch before."
            )

    def _hit_rate(self, tally: _Tally) -> float | None:
        if self.subtask_of_class is None:
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
