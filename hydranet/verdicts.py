"""What a network makes of a batch of labelled images, at every k at once.

All branches of a HydraNet run; then for each k the combiner joins the k best-scored ones, weighted
as a forward with that k would weight them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hydranet.executions.reference import all_branch_features
from hydranet.models.combiner import weighted_sum
from hydranet.models.hydra import HydraNet
from hydranet.models.network import StaticNetwork

FEATURES = "features"
"""The column that is too wide to keep for every image."""


def verdicts(
    model: nn.Module, images: Tensor, labels: Tensor, subtask_of_class: Tensor | None = None
) -> dict[str, Tensor]:
    """Columns with a row for each image, from a network in eval mode.

    `images`: (B, 3, H, W), normalised; `labels`: (B,); `subtask_of_class`: (C,), the branch meant
    for each class. Always there: `label`, `prediction`, `confidence`, `in_top5`, all (B,), and
    `features` (B, D), what the output layer sees at the default k. For a HydraNet also
    `gate_scores`, `order` (branches, best first), `correct_by_k`, `in_top5_by_k`, all (B, N), and
    `fired` (B, k); with subtasks `correct_with_subtask` and `correct_subtask_first` (B, N), see
    `hydranet.route_log`.
    """
    if isinstance(model, HydraNet):
        return _of_hydra(model, images, labels, subtask_of_class)
    if isinstance(model, StaticNetwork):
        features = model.features(images)  # (B, D)
        return {**_answers(model.head(features), labels), FEATURES: features}
    raise TypeError(f"Only networks of this package have verdicts, not {type(model).__name__}.")


def _of_hydra(
    model: HydraNet, images: Tensor, labels: Tensor, subtask_of_class: Tensor | None
) -> dict[str, Tensor]:
    stem_features = model.stem(images)
    gate_scores = model.gate(stem_features)  # (B, N)
    features = all_branch_features(model.branches, stem_features)  # (B, N, D)
    num_branches = features.shape[1]
    order = model.gate.route(gate_scores, num_branches).indices  # (B, N) best first
    best = _in_order(features, order)
    by_k = [
        model.combiner(best[:, :k], model.gate.route(gate_scores, k).weights)
        for k in range(1, num_branches + 1)
    ]  # N of (B, C)
    k = model.config.k
    columns = {
        **_answers(by_k[k - 1], labels),
        FEATURES: weighted_sum(best[:, :k], model.gate.route(gate_scores, k).weights),
        "gate_scores": gate_scores,
        "order": order,
        "fired": order[:, :k],
        "correct_by_k": _right(by_k, labels),
        "in_top5_by_k": torch.stack([_in_top(logits, labels, 5) for logits in by_k], dim=1),
    }
    if subtask_of_class is not None:
        own = subtask_of_class[labels]  # (B,)
        first = _with_own_first(order, own)
        columns["correct_with_subtask"] = _right(
            [_swapped_in(model, features, gate_scores, order[:, : k + 1], own)
             for k in range(num_branches)], labels,
        )  # fmt: skip
        best = _in_order(features, first)
        columns["correct_subtask_first"] = _right(
            [model.combiner(best[:, :k], model.gate.route(gate_scores, k).weights)
             for k in range(1, num_branches + 1)], labels,
        )  # fmt: skip
    return columns


def _swapped_in(
    model: HydraNet, features: Tensor, gate_scores: Tensor, chosen: Tensor, own: Tensor
) -> Tensor:
    """Logits (B, C) if the branch `own` (B,) runs too: in place of the last of `chosen` (B, k)
    where it is not among them. Weights are a softmax over the scores of those that run, as ever."""
    missed = (chosen != own[:, None]).all(dim=1)  # (B,)
    run = chosen.clone()
    run[:, -1] = torch.where(missed, own, chosen[:, -1])
    weights = gate_scores.gather(1, run).softmax(dim=1)  # (B, k)
    return model.combiner(_in_order(features, run), weights)


def _with_own_first(order: Tensor, own: Tensor) -> Tensor:
    """(B, N) branches, best first → the same with `own` (B,) before the others."""
    is_other = order != own[:, None]
    return order.gather(1, is_other.long().sort(dim=1, stable=True).indices)


def _in_order(features: Tensor, branches: Tensor) -> Tensor:
    """(B, N, D) features and (B, k) branches → (B, k, D)."""
    return features.gather(1, branches[:, :, None].expand(-1, -1, features.shape[2]))


def _answers(logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """(B, C) → the answer, how sure it is, and whether the label is among the five best."""
    probabilities = logits.softmax(dim=1)  # (B, C)
    confidence, prediction = probabilities.max(dim=1)
    return {
        "label": labels,
        "prediction": prediction,
        "confidence": confidence,
        "in_top5": _in_top(probabilities, labels, 5),
    }


def _right(logits: list[Tensor], labels: Tensor) -> Tensor:
    """N of (B, C) → (B, N) bool: whether the best class is the label."""
    return torch.stack([each.argmax(dim=1) == labels for each in logits], dim=1)


def _in_top(scores: Tensor, labels: Tensor, count: int) -> Tensor:
    """(B,) bool: whether the label is among the `count` best-scored classes."""
    best = scores.topk(min(count, scores.shape[1]), dim=1).indices
    return (best == labels[:, None]).any(dim=1)
