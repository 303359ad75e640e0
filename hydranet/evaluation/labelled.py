"""Accuracy, gate quality, route log and class features of a network on labelled images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hydranet.costs import count_costs
from hydranet.data.batches import LabelledBatches, evaluation_batch
from hydranet.evaluation.class_features import ClassFeatures
from hydranet.evaluation.dynamic_k import DynamicPoint, dynamic_curve
from hydranet.evaluation.metrics import Metrics
from hydranet.evaluation.route_log import RouteLog
from hydranet.evaluation.verdicts import FEATURES, verdicts
from hydranet.executions.exact import exact
from hydranet.models.dynamic import DynamicNetwork
from hydranet.models.network import Network
from hydranet.routing.arrays import PADDING


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` gives: the figures, the row of every image that they come from, and the mean
    features of every class."""

    metrics: Metrics
    routes: RouteLog
    class_features: ClassFeatures


class Tally:
    """Verdicts on images as they come, batch by batch, and what they add up to.

    `model` must be in eval mode. `subtask_of_class`: (C,), for hit rates and the perfect gate,
    which are left out without.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        num_classes: int,
        subtask_of_class: Sequence[int] | NDArray[np.integer] | None = None,
    ) -> None:
        self._model = model
        self._subtasks = None if subtask_of_class is None else np.asarray(subtask_of_class)
        self._rows: list[dict[str, NDArray]] = []
        self._index: list[int] = []
        self._sums: NDArray[np.float64] | None = None
        self._images = np.zeros(num_classes, np.int32)

    def __len__(self) -> int:
        return len(self._index)

    @torch.no_grad()
    def add(self, images: Tensor, labels: Tensor, index: Sequence[int] | None = None) -> None:
        """Run (B, 3, H, W) normalised images with their labels (B,). `index`: the place of each in
        its data set, unless they come in order."""
        subtasks = None if self._subtasks is None else torch.as_tensor(
            self._subtasks, dtype=torch.int64, device=labels.device
        )  # fmt: skip
        columns = verdicts(self._model, images, labels, subtasks)
        features = columns.pop(FEATURES).double().cpu().numpy()  # (B, D)
        if self._sums is None:
            self._sums = np.zeros((len(self._images), features.shape[1]))
        row = {name: column.cpu().numpy() for name, column in columns.items()}
        np.add.at(self._sums, row["label"], features)
        np.add.at(self._images, row["label"], 1)
        self._rows.append(row)
        self._index += range(len(self), len(self) + len(labels)) if index is None else index

    def finish(self) -> Evaluation:
        """What the images so far, at least one, add up to."""
        assert self._sums is not None, "nothing was added"
        columns = {
            name: np.concatenate([row[name] for row in self._rows]) for name in self._rows[0]
        }
        routes = _route_log(columns, np.asarray(self._index, np.int32))
        with np.errstate(invalid="ignore"):
            mean = (self._sums / self._images[:, None]).astype(np.float32)
        return Evaluation(
            _metrics(columns, self._subtasks, _dynamic(routes, self._model)),
            routes,
            ClassFeatures(self._images.copy(), mean),
        )


def evaluate(
    model: Network,
    images: LabelledBatches,
    *,
    subtask_of_class: Sequence[int] | NDArray[np.integer] | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Run a network in eval mode, in single precision and not compiled, over `images`.

    `subtask_of_class`: see `Tally`. `on_progress` is told images done and images in all.
    """
    was_training = model.training
    model.eval()
    tally = Tally(model, num_classes=images.num_classes, subtask_of_class=subtask_of_class)
    try:
        with torch.compiler.set_stance("force_eager"), exact():
            for batch, labels in images.in_order(evaluation_batch(model.config)):
                tally.add(batch, labels)
                on_progress(len(tally), len(images))
    finally:
        model.train(was_training)
    return tally.finish()


def _dynamic(routes: RouteLog, model: nn.Module) -> list[DynamicPoint]:
    """The curve of dynamic k, from the rounded scores of the log, so that it repeats from there."""
    if routes.gate_scores is None or routes.correct_by_k is None:
        return []
    assert isinstance(model, DynamicNetwork), "only a dynamic network has gate scores"
    policy = model.config.policy
    if not policy.gate or policy.by_token:  # nothing is wanted; or by tokens, not by the image
        return []
    costs = count_costs(model.config)
    return dynamic_curve(routes.gate_scores, routes.correct_by_k, costs, policy=policy)


def _percent(flags: NDArray[np.bool_]) -> float:
    return round(100 * float(flags.mean()), 2)


def _percents(flags: NDArray[np.bool_]) -> list[float]:
    """(M, N) → the percentage of each column."""
    return [round(100 * float(share), 2) for share in flags.mean(axis=0)]


def _metrics(
    columns: dict[str, NDArray], subtasks: NDArray | None, dynamic: list[DynamicPoint]
) -> Metrics:
    label = columns["label"]
    by_branch: dict[str, list[float]] = {}
    if "order" in columns:
        order = columns["order"]  # (M, N)
        fired = columns["fired"]
        ran = fired[fired != PADDING]
        load = np.bincount(ran, minlength=order.shape[1]) / len(label)
        by_branch = {
            "top1_by_k": _percents(columns["correct_by_k"]),
            "top5_by_k": _percents(columns["in_top5_by_k"]),
            "branch_load": [round(float(share), 5) for share in load],
        }
        if subtasks is not None:
            is_hit = order == subtasks[label][:, None]
            by_branch["hit_rate_by_k"] = _percents(is_hit.cumsum(axis=1) > 0)
            by_branch["top1_perfect_gate_by_k"] = _percents(columns["correct_subtask_first"])
    return Metrics(
        images=len(label),
        top1=_percent(columns["prediction"] == label),
        top5=_percent(columns["in_top5"]),
        **by_branch,
        dynamic=dynamic,
    )


def _route_log(columns: dict[str, NDArray], index: NDArray[np.int32]) -> RouteLog:
    log = RouteLog(
        label=columns["label"].astype(np.int32),
        prediction=columns["prediction"].astype(np.int32),
        confidence=columns["confidence"].astype(np.float16),
        index=None if np.array_equal(index, np.arange(len(index))) else index,
    )
    if "fired" not in columns:
        return log
    return replace(
        log,
        gate_scores=columns["gate_scores"].astype(np.float16),
        fired=columns["fired"].astype(np.int16),
        correct_by_k=columns["correct_by_k"],
        correct_with_subtask=columns.get("correct_with_subtask"),
        correct_subtask_first=columns.get("correct_subtask_first"),
    )
