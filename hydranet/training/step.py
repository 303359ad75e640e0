"""One training step: forward, loss, backward, update; and the sums over the steps of an epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial, reduce
from typing import NamedTuple

import torch
from torch import Tensor, nn

from hydranet.data.batches import Batch
from hydranet.models.dynamic import DynamicNetwork, DynamicOutput
from hydranet.models.network import Network
from hydranet.training.backend import autocast
from hydranet.training.distillation import Teacher
from hydranet.training.distributed import World
from hydranet.training.losses import Targets, loss_terms
from hydranet.training.recipe import Recipe
from hydranet.training.recorded import Recording

_EXECUTIONS = {
    "fired": "eager", "all": "reference", "grouped": "grouped", "buckets": "buckets",
}  # fmt: skip


class Found(NamedTuple):
    """What a forward and a backward of a batch give beside the gradients: the network's output, the
    loss, a scalar, and its terms."""

    output: Tensor | DynamicOutput
    loss: Tensor
    terms: dict[str, Tensor]


@dataclass
class Tally:
    """Sums over the steps of an epoch, kept on the device."""

    loss: Tensor
    correct: Tensor
    hits: Tensor
    load: Tensor
    terms: dict[str, Tensor] = field(default_factory=dict)
    images: int = 0

    @classmethod
    def zero(cls, device: torch.device, num_branches: int) -> Tally:
        """Of no step yet."""
        scalars = torch.zeros(3, device=device)
        return cls(scalars[0], scalars[1], scalars[2], torch.zeros(num_branches, device=device))

    def over(self, world: World) -> Tally:
        """The sums over all processes."""
        return Tally(
            world.sum(self.loss),
            world.sum(self.correct),
            world.sum(self.hits),
            world.sum(self.load),
            {name: world.sum(sum_) for name, sum_ in self.terms.items()},
            self.images * world.size,
        )

    def means(self) -> dict[str, float]:
        """Each loss term, weighted as in the loss, averaged over the images."""
        return {name: round(float(sum_) / self.images, 5) for name, sum_ in self.terms.items()}


class Phase(NamedTuple):
    """What differs by epoch in what a step computes."""

    all_branches: bool
    frozen_trunk: bool

    @classmethod
    def of(cls, recipe: Recipe, epoch: int) -> Phase:
        """That of an epoch, counted from 0."""
        return cls(epoch < recipe.warmup_all_branches, epoch < recipe.freeze_trunk)


@dataclass
class TrainingStep:
    """Trains `model` on one batch.

    `subtask_of_class`: (C,), where branches have subtasks; `teacher`: or None; `head_weights`:
    (n, images of the set), for a multi-head network; `module`: `model`, or what wraps it;
    `recording`: replays forward and backward where that can be, see `hydranet.training.recorded`.
    """

    model: Network
    optimizer: torch.optim.Optimizer
    recipe: Recipe
    subtask_of_class: Tensor | None
    teacher: Teacher | None
    head_weights: Tensor | None
    module: nn.Module
    recording: Recording | None = None

    def __call__(
        self, batch: Batch, *, epoch: int, rate: float, done: float, tally: Tally
    ) -> Tensor:
        """The loss, a scalar on the device; what the batch gave is added to `tally`.

        `rate`: learning rate; `done`: share of all steps that are done.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        phase = Phase.of(self.recipe, epoch)
        if self.recording is None:
            found = self.gradients(batch, done, phase=phase)
        else:
            found = self.recording(partial(self.gradients, phase=phase), batch, done, phase)
        self._clip()
        self.optimizer.step()
        self._count(found, batch.labels, tally)
        return found.loss

    def _clip(self) -> None:
        """Shorten the gradient to the recipe's longest."""
        if self.recipe.clip_norm:
            groups = self.optimizer.param_groups
            trained = [parameter for group in groups for parameter in group["params"]]
            torch.nn.utils.clip_grad_norm_(trained, self.recipe.clip_norm)

    def gradients(self, batch: Batch, done: float | Tensor, *, phase: Phase) -> Found:
        """Forward and backward: new gradients in place of those that were."""
        images, labels, rows, own = batch
        with autocast(self.recipe, images.device):
            output = self._forward(images, phase)
        opinion = None if self.teacher is None else self.teacher.logits(images)
        of_heads = None if self.head_weights is None else self.head_weights[:, rows]
        shares = own if self.recipe.cutmix else None
        targets = Targets(labels, self.subtask_of_class, opinion, done, of_heads, shares)
        terms = loss_terms(self.model, output, targets, self.recipe)
        loss = reduce(torch.add, terms.values())
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        return Found(output, loss.detach(), {name: term.detach() for name, term in terms.items()})

    def _forward(self, images: Tensor, phase: Phase) -> Tensor | DynamicOutput:
        if not isinstance(self.model, DynamicNetwork):
            return self.module(images)
        k = self.model.config.num_branches if phase.all_branches else None
        return self.module(images, k=k, threshold=0.0, execution=_EXECUTIONS[self.recipe.execution])

    @torch.no_grad()
    def _count(self, found: Found, labels: Tensor, tally: Tally) -> None:
        output, loss, terms = found
        logits = output.logits if isinstance(output, DynamicOutput) else output
        tally.images += len(labels)
        tally.loss += loss * len(labels)
        tally.correct += (logits.argmax(dim=1) == labels).sum()
        for name, term in terms.items():
            tally.terms[name] = tally.terms.get(name, 0) + term * len(labels)
        if not isinstance(output, DynamicOutput):
            return
        mask = output.route.mask  # (R, N)
        tally.load += mask.sum(dim=0) * (len(labels) / len(mask))
        if self.subtask_of_class is not None:
            tally.hits += mask.gather(1, self.subtask_of_class[labels][:, None]).sum()
