"""Accuracy, gate quality and the route log of a network on a data set.

A HydraNet is measured at every k at once: all branches run, then for each k the combiner joins the
k best-scored ones, weighted as a forward with that k would weight them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hydranet.costs import count_costs
from hydranet.data.batches import Batches
from hydranet.dynamic_k import DynamicPoint, dynamic_curve
from hydranet.executions.reference import all_branch_features
from hydranet.metrics import Metrics
from hydranet.models.hydra import HydraNet
from hydranet.route_log import RouteLog

_BATCH = 250


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` gives: the figures, and the row of every image that they come from."""

    metrics: Metrics
    routes: RouteLog


@torch.no_grad()
def evaluate(
    model: nn.Module,
    images: Batches,
    *,
    subtask_of_class: Sequence[int] | NDArray[np.integer] | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Run a network in eval mode over `images`.

    `subtask_of_class`: (C,), for hit rates, which are left out without. `on_progress` is told
    images done and images in all.
    """
    was_training = model.training
    model.eval()
    rows: list[dict[str, Tensor]] = []
    done = 0
    try:
        with torch.compiler.set_stance("force_eager"):
            for batch, labels in images.in_order(_BATCH):
                row = _hydra(model, batch) if isinstance(model, HydraNet) else _static(model, batch)
                rows.append(_verdicts(row, labels))
                done += len(labels)
                on_progress(done, len(images))
    finally:
        model.train(was_training)
    columns = {name: torch.cat([row[name] for row in rows]).cpu().numpy() for name in rows[0]}
    routes = _route_log(columns)
    dynamic = _dynamic(routes, model)
    return Evaluation(_metrics(columns, subtask_of_class, dynamic), routes)


def _dynamic(routes: RouteLog, model: nn.Module) -> list[DynamicPoint]:
    """The curve of dynamic k, from the rounded scores of the log, so that it repeats from there."""
    if routes.gate_scores is None or routes.correct_by_k is None:
        return []
    assert isinstance(model, HydraNet), "only a HydraNet has gate scores"
    if not model.config.has_subtasks:  # no gate, no confidence
        return []
    return dynamic_curve(routes.gate_scores, routes.correct_by_k, count_costs(model.config))


def _static(model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    return {"logits": model(images)}


def _hydra(model: HydraNet, images: Tensor) -> dict[str, Tensor]:
    """Logits at the default k and at every k, gate scores and fired branches."""
    stem_features = model.stem(images)
    gate_scores = model.gate(stem_features)  # (B, N)
    features = all_branch_features(model.branches, stem_features)  # (B, N, D)
    num_branches = features.shape[1]
    order = model.gate.route(gate_scores, num_branches).indices  # (B, N) best first
    sorted_features = features.gather(1, order[:, :, None].expand_as(features))
    by_k = [
        model.combiner(sorted_features[:, :k], model.gate.route(gate_scores, k).weights)
        for k in range(1, num_branches + 1)
    ]
    k = model.config.k
    return {
        "logits": by_k[k - 1],
        "logits_by_k": torch.stack(by_k, dim=1),  # (B, N, C)
        "gate_scores": gate_scores,
        "order": order,
        "fired": order[:, :k],
    }


def _verdicts(row: dict[str, Tensor], labels: Tensor) -> dict[str, Tensor]:
    """Replace logits by what is kept of them: predictions and whether they are right."""
    probabilities = row.pop("logits").softmax(dim=1)  # (B, C)
    confidence, prediction = probabilities.max(dim=1)
    verdicts = {
        "label": labels,
        "prediction": prediction,
        "confidence": confidence,
        "in_top5": _in_top(probabilities, labels, 5),
        **row,
    }
    if (by_k := verdicts.pop("logits_by_k", None)) is not None:
        verdicts["correct_by_k"] = by_k.argmax(dim=2) == labels[:, None]  # (B, N)
        verdicts["in_top5_by_k"] = torch.stack(
            [_in_top(logits, labels, 5) for logits in by_k.unbind(dim=1)], dim=1
        )
    return verdicts


def _in_top(scores: Tensor, labels: Tensor, count: int) -> Tensor:
    """(B,) bool: whether the label is among the `count` best-scored classes."""
    best = scores.topk(min(count, scores.shape[1]), dim=1).indices
    return (best == labels[:, None]).any(dim=1)


def _percent(flags: NDArray[np.bool_]) -> float:
    return round(100 * float(flags.mean()), 2)


def _percents(flags: NDArray[np.bool_]) -> list[float]:
    """(M, N) → the percentage of each column."""
    return [round(100 * float(share), 2) for share in flags.mean(axis=0)]


def _metrics(
    columns: dict[str, NDArray],
    subtask_of_class: Sequence[int] | NDArray[np.integer] | None,
    dynamic: list[DynamicPoint],
) -> Metrics:
    label = columns["label"]
    by_branch: dict[str, list[float]] = {}
    if "order" in columns:
        order = columns["order"]  # (M, N)
        load = np.bincount(columns["fired"].ravel(), minlength=order.shape[1]) / len(label)
        by_branch = {
            "top1_by_k": _percents(columns["correct_by_k"]),
            "top5_by_k": _percents(columns["in_top5_by_k"]),
            "branch_load": [round(float(share), 5) for share in load],
        }
        if subtask_of_class is not None:
            is_hit = order == np.asarray(subtask_of_class)[label][:, None]
            by_branch["hit_rate_by_k"] = _percents(is_hit.cumsum(axis=1) > 0)
    return Metrics(
        images=len(label),
        top1=_percent(columns["prediction"] == label),
        top5=_percent(columns["in_top5"]),
        **by_branch,
        dynamic=dynamic,
    )


def _route_log(columns: dict[str, NDArray]) -> RouteLog:
    hydra = {}
    if "fired" in columns:
        hydra = {
            "gate_scores": columns["gate_scores"].astype(np.float16),
            "fired": columns["fired"].astype(np.int16),
            "correct_by_k": columns["correct_by_k"],
        }
    return RouteLog(
        label=columns["label"].astype(np.int32),
        prediction=columns["prediction"].astype(np.int32),
        confidence=columns["confidence"].astype(np.float16),
        **hydra,
    )
