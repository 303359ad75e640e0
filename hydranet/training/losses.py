"""The training loss: a sum of terms, one function each.

The paper leaves it open; cross-entropy of the combined logits plus a weighted cross-entropy of the
gate's scores against the subtask of the true class is a plain and sound start. Every other term
has the weight 0 unless a recipe asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hydranet.models.dynamic import DynamicNetwork, DynamicOutput
from hydranet.routing.routes import Route
from hydranet.training.distillation import distillation_loss
from hydranet.training.recipe import Recipe


@dataclass(frozen=True)
class Targets:
    """What the output for a batch is compared with.

    `labels`: (B,); `subtask_of_class`: (C,), where branches have subtasks; `teacher`: (B, C), a
    teacher's logits; `done`: share of training that is done, for what warms up; `head_weights`:
    (n, B), what each image counts for each head of a multi-head network; `own`: (B,), what of each
    image is not of the one before it, where images are mixed.
    """

    labels: Tensor
    subtask_of_class: Tensor | None = None
    teacher: Tensor | None = None
    done: float | Tensor = 0.0
    head_weights: Tensor | None = None
    own: Tensor | None = None

    def classes(self, num_classes: int) -> Tensor:
        """What cross-entropy compares with: the labels (B,), or, where images are mixed, each
        class's share of the image, (B, C)."""
        if self.own is None:
            return self.labels
        members = F.one_hot(self.labels, num_classes).to(self.own.dtype)
        own = self.own[:, None]
        return own * members + (1 - own) * members.roll(1, dims=0)


def loss_terms(
    model: nn.Module, output: Tensor | DynamicOutput, targets: Targets, recipe: Recipe
) -> dict[str, Tensor]:
    """The terms that the recipe asks for, weighted: the loss is their sum.

    `output`: logits (B, C), or what the dynamic network `model` returns.
    """
    logits = (output.logits if isinstance(output, DynamicOutput) else output).float()
    smoothing = recipe.label_smoothing
    if _answers_each(model) and isinstance(output, DynamicOutput):
        terms = {"heads": recipe.label_loss * heads_loss(output, targets, smoothing)}
    else:
        wanted = targets.classes(logits.shape[1])
        of_labels = F.cross_entropy(logits, wanted, label_smoothing=smoothing)
        terms = {"labels": recipe.label_loss * of_labels}
    if isinstance(model, DynamicNetwork) and isinstance(output, DynamicOutput):
        terms |= _dynamic_terms(model, output, targets, recipe)
    if targets.teacher is not None and recipe.distillation_weight:
        terms["teacher"] = recipe.distillation_weight * distillation_loss(
            logits, targets.teacher, targets.labels, recipe, done=targets.done
        )
    return terms


def _answers_each(model: nn.Module) -> bool:
    return isinstance(model, DynamicNetwork) and model.config.answers_each


def _dynamic_terms(
    model: DynamicNetwork, output: DynamicOutput, targets: Targets, recipe: Recipe
) -> dict[str, Tensor]:
    terms, subtasks = {}, targets.subtask_of_class
    if subtasks is not None:
        terms = _subtask_terms(model, output, targets, subtasks, recipe)
    if recipe.load_balance:
        balance = load_balance_loss(output.gate_scores.float(), output.route)
        terms["balance"] = recipe.load_balance * balance
    return terms


def _subtask_terms(
    model: DynamicNetwork,
    output: DynamicOutput,
    targets: Targets,
    subtask_of_class: Tensor,
    recipe: Recipe,
) -> dict[str, Tensor]:
    terms = {}
    scores = output.gate_scores.float()
    subtasks = subtask_of_class[targets.labels]  # (B,)
    if recipe.gate_loss:
        classes = targets.classes(len(subtask_of_class))  # (B,) labels or (B, C) shares
        if recipe.gate_targets == "teacher" and targets.teacher is not None:
            classes = targets.teacher.softmax(dim=1)
        wanted = subtasks
        if classes.is_floating_point():
            wanted = subtask_shares(classes, subtask_of_class, scores.shape[1])
        terms["gate"] = recipe.gate_loss * gate_loss(scores, wanted)
    if recipe.branch_loss:
        terms["branches"] = recipe.branch_loss * branch_loss(
            model.combiner, output, targets.labels, subtasks
        )
    return terms


def heads_loss(output: DynamicOutput, targets: Targets, label_smoothing: float) -> Tensor:
    """Each head's own cross-entropy, summed over the heads; the same for exits, which all ran.

    For a head it is the mean over the batch, weighted by what each image counts for that head.
    Sources: raghav1810/HydraNet on GitHub; for exits MSDNet, Huang et al., ICLR 2018, section 3.
    """
    logits = output.features.float().transpose(0, 1)  # (n, B, C)
    heads, images, classes = logits.shape
    wanted = targets.classes(classes)  # (B,) or (B, C)
    losses = F.cross_entropy(
        logits.reshape(-1, classes),
        wanted.expand(heads, *wanted.shape).flatten(0, 1),
        label_smoothing=label_smoothing,
        reduction="none",
    ).view(heads, images)
    if targets.head_weights is None:
        return losses.mean(dim=1).sum()
    weights = targets.head_weights  # (n, B)
    return ((losses * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1e-12)).sum()


def gate_loss(gate_scores: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy of the gate's scores (B, N) against subtasks (B,) or their shares (B, N)."""
    return F.cross_entropy(gate_scores, wanted)


def subtask_shares(classes: Tensor, subtask_of_class: Tensor, num_branches: int) -> Tensor:
    """Probabilities of subtasks from those of classes, summed over the classes of each.

    `classes`: (B, C); `subtask_of_class`: (C,) → (B, N).
    """
    members = F.one_hot(subtask_of_class, num_branches).to(classes.dtype)  # (C, N)
    return classes @ members


def branch_loss(
    combiner: nn.Module, output: DynamicOutput, labels: Tensor, subtasks: Tensor
) -> Tensor:
    """How well branches do alone on their own subtasks; 0 where none of them fired.

    Each fired branch, alone and with weight 1, goes through the combiner; cross-entropy, averaged
    over the images of the batch for which the branch of their own subtask fired. `labels` and
    `subtasks`: (B,). After DynK-Hydra, Ileni et al., Complex & Intelligent Systems 2022, which adds
    a loss a branch to make it a specialist.
    """
    features = output.features.float()  # (B, k, D)
    own = output.route.indices == subtasks[:, None]  # (B, k), at most one a row
    fired = own.any(dim=1)  # (B,)
    slot = own.to(torch.int64).argmax(dim=1)  # (B,), 0 where it did not fire
    image = torch.arange(len(labels), device=labels.device)
    alone = features[image, slot][:, None]  # (B, 1, D)
    logits = combiner(alone, torch.ones_like(alone[:, :, 0]))  # (B, C)
    losses = F.cross_entropy(logits, labels, reduction="none")  # (B,)
    return (losses * fired).sum() / fired.sum().clamp(min=1)


def load_balance_loss(gate_scores: Tensor, route: Route) -> Tensor:
    """N · Σ f_i · P_i: 1 where all branches carry the same load, up to N where one carries all.

    f_i: branch i's share of all that fired; P_i: its mean probability, a softmax over all N scores
    (B, N). Only P has a gradient. Source: Fedus, Zoph, Shazeer, "Switch Transformers", JMLR 2022,
    section 2.2, there for k = 1.
    """
    fired = route.mask.float().mean(dim=0)  # (N,)
    probability = gate_scores.softmax(dim=1).mean(dim=0)  # (N,)
    return route.num_branches * (fired / fired.sum() * probability).sum()
