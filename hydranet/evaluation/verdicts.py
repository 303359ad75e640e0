"""What a network makes of a batch of labelled images, at every k at once.

All branches of a dynamic network run; then for each k the combiner joins the k best-scored ones,
weighted as a forward with that k would weight them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hydranet.models.dynamic import DynamicNetwork, DynamicOutput, in_order
from hydranet.models.network import StaticNetwork

FEATURES = "features"
"""The column that is too wide to keep for every image."""


def verdicts(
    model: nn.Module, images: Tensor, labels: Tensor, subtask_of_class: Tensor | None = None
) -> dict[str, Tensor]:
    """Columns with a row for each image, from a network in eval mode.

    `images`: (B, 3, H, W), normalised; `labels`: (B,); `subtask_of_class`: (C,), the branch meant
    for each class. Always there: `label`, `prediction`, `confidence`, `in_top5`, all (B,), and
    `features` (B, D), what the output layer sees as the network runs by default. For a dynamic
    network also `gate_scores`, `order` (branches, best first), `correct_by_k`, `in_top5_by_k`, all
    (B, N), and `fired` (B, k), −1 behind the last; where tokens are routed, the k that count most
    for the image; with subtasks `correct_with_subtask` and `correct_subtask_first` (B, N), see
    `hydranet.evaluation.route_log`.
    """
    if isinstance(model, DynamicNetwork):
        return _of_dynamic(model, images, labels, subtask_of_class)
    if isinstance(model, StaticNetwork):
        features = model.features(images)  # (B, D)
        return {**_answers(model.head(features), labels), FEATURES: features}
    raise TypeError(f"Only networks of this package have verdicts, not {type(model).__name__}.")


def _of_dynamic(
    model: DynamicNetwork, images: Tensor, labels: Tensor, subtask_of_class: Tensor | None
) -> dict[str, Tensor]:
    every = model.every(images)
    num_branches = model.config.num_branches
    by_k = [
        model.answer(every, model.own_route(every.gate_scores, k, 0.0))
        for k in range(1, num_branches + 1)
    ]  # N of (B, C)
    route = model.own_route(every.gate_scores, None, None)
    logits = model.answer(every, route)
    chosen = in_order(every.features, route.indices.clamp(min=0))
    view = model.image_view(DynamicOutput(logits, every.gate_scores, route, chosen))
    gate_scores, features = view.gate_scores, every.features  # (B, N), (R, N, D)
    order = _order(model, gate_scores)  # (B, N) best first
    columns = {
        **_answers(logits, labels),
        FEATURES: model.pooled(every, route),
        "gate_scores": gate_scores,
        "order": order,
        "fired": view.fired[:, : model.config.k],
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
        best = in_order(features, first)
        columns["correct_subtask_first"] = _right(
            [model.combiner(best[:, :k], model.gate.route(gate_scores, k).weights)
             for k in range(1, num_branches + 1)], labels,
        )  # fmt: skip
    return columns


def _order(model: DynamicNetwork, gate_scores: Tensor) -> Tensor:
    """(B, N): all branches, the first to run in front."""
    if model.config.policy.by_token:
        return gate_scores.argsort(dim=1, descending=True, stable=True)
    return model.own_route(gate_scores, model.config.num_branches, 0.0).indices


def _swapped_in(
    model: DynamicNetwork, features: Tensor, gate_scores: Tensor, chosen: Tensor, own: Tensor
) -> Tensor:
    """Logits (B, C) if the branch `own` (B,) runs too: in place of the last of `chosen` (B, k)
    where it is not among them. Weights are a softmax over the scores of those that run, as ever."""
    missed = (chosen != own[:, None]).all(dim=1)  # (B,)
    run = chosen.clone()
    run[:, -1] = torch.where(missed, own, chosen[:, -1])
    weights = gate_scores.gather(1, run).softmax(dim=1)  # (B, k)
    return model.combiner(in_order(features, run), weights)


def _with_own_first(order: Tensor, own: Tensor) -> Tensor:
    """(B, N) branches, best first → the same with `own` (B,) before the others."""
    is_other = order != own[:, None]
    return order.gather(1, is_other.long().sort(dim=1, stable=True).indices)


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
