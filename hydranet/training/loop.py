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

from hydranet.config import MultiHeadConfig
from hydranet.data.batches import LabelledBatches, evaluation_batch
from hydranet.errors import InputError
from hydranet.executions.exact import exact
from hydranet.executions.stacked import keep_stack
from hydranet.models.dynamic import DynamicNetwork, DynamicOutput
from hydranet.models.network import Network
from hydranet.training.backend import compile_in_place
from hydranet.training.distillation import Teacher
from hydranet.training.distributed import World
from hydranet.training.head_weights import draw_head_weights
from hydranet.training.history import EpochRecord
from hydranet.training.optimiser import make_optimiser
from hydranet.training.recipe import Recipe
from hydranet.training.recorded import Recording, can_record
from hydranet.training.state import load_state, save_state
from hydranet.training.step import Phase, Tally, TrainingStep

CHECK_EVERY = 50
"""Steps between two looks at the loss, for which a GPU must be waited for."""

SAVE_EVERY = 20.0
"""Seconds between two saved states on a GPU, where an epoch may take one."""


@dataclass(frozen=True)
class Progress:
    """How far a run is; handed to the caller after every step.

    `loss` is that of this step, on a GPU of one up to 49 steps ago, and of all processes.
    `learning_rate` is this step's. `record` is set after the last step of an epoch and carries what
    the epoch gave.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    images_per_second: float
    learning_rate: float
    record: EpochRecord | None = None


ProgressCallback = Callable[[Progress], None]


def fit(
    model: Network,
    train: LabelledBatches,
    validation: LabelledBatches,
    *,
    recipe: Recipe,
    subtask_of_class: Tensor | None = None,
    teacher: Teacher | None = None,
    world: World | None = None,
    state_path: Path | None = None,
    resume: bool = False,
    identity: dict[str, Any] | None = None,
    on_progress: ProgressCallback = lambda progress: None,
) -> list[EpochRecord]:
    """Train `model` in place by a recipe without "auto"; returns a record of each epoch.

    `subtask_of_class`: (C,) int64, where branches have subtasks; `teacher`: to learn from; `world`:
    the processes that share the work. With `state_path` the state is saved after each epoch, and
    `resume` goes on from it: the result is the same as without the break.

    Raises:
        InputError: the loss is no number any more, or the saved state cannot be used.
    """
    device = next(model.parameters()).device
    world = world or World()
    model.to(memory_format=torch.channels_last)
    if recipe.execution == "buckets" and isinstance(model, DynamicNetwork) and world.size == 1:
        keep_stack(model.branches)
    optimizer = make_optimiser(model, recipe)
    history: list[EpochRecord] = []
    if resume and state_path is not None and state_path.exists():
        history = load_state(state_path, model=model, optimizer=optimizer, identity=identity or {})
    if not world.agree(len(history)):
        raise InputError(
            f"All processes must find the same saved run, but not all of them see that in "
            f"{state_path}. Let --runs be a folder that all machines share."
        )
    if recipe.compile == "on":
        compile_in_place(model)
    head_weights = _head_weights(model, recipe, len(train), device)
    step = TrainingStep(
        model, optimizer, recipe, subtask_of_class, teacher, head_weights, module=model
    )
    execution = recipe.execution if isinstance(model, DynamicNetwork) else None
    if can_record(device, processes=world.size, execution=execution):
        step.recording = Recording()
    run = _Run(model, recipe, step, device, world, on_progress)
    saved = -math.inf
    for epoch in range(len(history), recipe.epochs):
        history.append(run.epoch(epoch, train, validation))
        if _waits(saved, device) and epoch < recipe.epochs - 1:
            continue
        saved = time.perf_counter()
        if state_path is not None and world.is_main:
            save_state(
                state_path,
                model=model,
                optimizer=optimizer,
                history=history,
                identity=identity or {},
            )
    return history


def _waits(saved: float, device: torch.device) -> bool:
    """Whether the state was saved so short a time ago that a GPU should not wait for the disk."""
    return device.type == "cuda" and time.perf_counter() - saved < SAVE_EVERY


def _head_weights(
    model: Network, recipe: Recipe, images: int, device: torch.device
) -> Tensor | None:
    if not recipe.dirichlet or not isinstance(model.config, MultiHeadConfig):
        return None
    return draw_head_weights(
        model.config.num_branches,
        images,
        concentration=recipe.dirichlet,
        seed=recipe.seed,
        device=device,
    )


@dataclass
class _Run:
    model: Network
    recipe: Recipe
    train_on: TrainingStep
    device: torch.device
    world: World
    on_progress: ProgressCallback

    def epoch(self, epoch: int, train: LabelledBatches, validation: LabelledBatches) -> EpochRecord:
        """One pass over the training images, then one over the validation images."""
        recipe, world = self.recipe, self.world
        batch = min(recipe.batch_size, len(train))
        steps = max(len(train) // batch, 1)
        self._prepare(epoch)
        tally = Tally.zero(self.device, getattr(self.model.config, "num_branches", 0))
        start = time.perf_counter()
        loss_now = math.nan
        seed = recipe.seed * 100_003 + epoch
        batches = train.shuffled(
            batch, seed=seed, erase=recipe.erase, cutmix=recipe.cutmix,
            rank=world.rank, ranks=world.size,
        )  # fmt: skip
        for step, part in enumerate(batches):
            at, of = epoch * steps + step, recipe.epochs * steps
            rate = recipe.rate(at, of)
            loss = self.train_on(part, epoch=epoch, rate=rate, done=at / of, tally=tally)
            if step % CHECK_EVERY == 0 or step == steps - 1 or self.device.type == "cpu":
                loss_now = float(world.sum(loss)) / world.size
                self._check(loss_now, epoch, step)
            seconds = time.perf_counter() - start
            speed = tally.images * world.size / seconds
            self.on_progress(Progress(epoch, recipe.epochs, step + 1, steps, loss_now, speed, rate))
        tally = tally.over(world)
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
            Progress(
                epoch, recipe.epochs, steps, steps, loss_now, record.images_per_second, rate, record
            )
        )
        return record

    def _prepare(self, epoch: int) -> None:
        """Training mode, with the stem frozen where the recipe says so."""
        self.model.train()
        if isinstance(self.model, DynamicNetwork):
            frozen = Phase.of(self.recipe, epoch).frozen_trunk
            self.model.stem.requires_grad_(not frozen)
            self.model.stem.train(not frozen)
        self.train_on.module = self.world.wrap(self.model, self.device)

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

    def _answer(self, images: Tensor) -> Tensor | DynamicOutput:
        if isinstance(self.model, DynamicNetwork) and self.recipe.execution == "buckets":
            return self.model(images, execution="buckets")
        return self.model(images)

    @torch.no_grad()
    def _validate(self, validation: LabelledBatches) -> float:
        """Top-1 in percent, in float32 and not compiled, as the finished network will be used."""
        self.model.eval()
        world = self.world
        world.share_buffers(self.model)
        correct = torch.zeros((), dtype=torch.int64, device=self.device)
        batches = validation.in_order(
            evaluation_batch(self.model.config), rank=world.rank, ranks=world.size
        )
        with torch.compiler.set_stance("force_eager"), exact():
            for images, labels in batches:
                output = self._answer(images)
                logits = output.logits if isinstance(output, DynamicOutput) else output
                correct += (logits.argmax(dim=1) == labels).sum()
        return 100 * int(world.sum(correct)) / len(validation)
