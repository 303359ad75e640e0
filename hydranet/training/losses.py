"""The training loss: a sum of terms, one function each.

The paper leaves it open; cross-entropy of the combined logits plus a weighted cross-entropy of the
gate's scores against the subtask of the true class is a plain and sound start. Every other term
has the weight 0 unless a recipe asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from hydranet.models.hydra import HydraOutput
from hydranet.training.distillation import distillation_loss
from hydranet.training.recipe import Recipe


@dataclass(frozen=True)
class Targets:
    """What the output for a batch is compared with.

    `labels`: (B,); `subtask_of_class`: (C,), for a HydraNet; `teacher`: (B, C), a teacher's logits;
    `done`: share of training that is done, for what warms up.
    """

    labels: Tensor
    subtask_of_class: Tensor | None = None
    teacher: Tensor | None = None
    done: float = 0.0


def loss_terms(output: Tensor | HydraOutput, targets: Targets, recipe: Recipe) -> dict[str, Tensor]:
    """The terms that the recipe asks for, weighted: the loss is their sum.

    `output`: logits (B, C), or what a HydraNet returns.
    """
    logits = (output.logits if isinstance(output, HydraOutput) else output).float()
    terms = {"labels": recipe.label_loss * label_loss(logits, targets, recipe)}
    if isinstance(output, HydraOutput) and targets.subtask_of_class is not None:
        subtasks = targets.subtask_of_class[targets.labels]
        if recipe.gate_loss:
            terms["gate"] = recipe.gate_loss * gate_loss(output, subtasks)
    if targets.teacher is not None:
        terms["teacher"] = recipe.distillation_weight * distillation_loss(
            logits, targets.teacher, targets.labels, recipe, done=targets.done
        )
    return terms


def label_loss(logits: Tensor, targets: Targets, recipe: Recipe) -> Tensor:
    """Cross-entropy of the combined logits (B, C) against the true class."""
    return F.cross_entropy(logits, targets.labels, label_smoothing=recipe.label_smoothing)


def gate_loss(output: HydraOutput, subtasks: Tensor) -> Tensor:
    """Cross-entropy of the gate's scores against the subtask of the true class, (B,)."""
    return F.cross_entropy(output.gate_scores.float(), subtasks)
