"""Classes in the plane, near one another where a network treats them alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydranet.class_features import ClassFeatures
from hydranet.specialisation.table import RouteTable


@dataclass(frozen=True)
class ClassMap:
    """`points` (C, 2), NaN for a class without images; `explained` (2,): share of the variance
    between classes on each axis."""

    points: NDArray[np.float64]
    explained: NDArray[np.float64]


def feature_map(features: ClassFeatures) -> ClassMap | None:
    """By what the output layer sees: each class's mean features. None as for `score_map`."""
    labels = np.flatnonzero(features.images)
    return _plane(labels, features.mean[labels].astype(np.float64), len(features.images))


def score_map(table: RouteTable) -> ClassMap | None:
    """By what the gate says: each class's mean gate scores. None where no gate chooses, or fewer
    than three classes have images, or they do not differ."""
    if not table.k or table.num_branches < 2:
        return None
    found = table.columns("SELECT * FROM class_scores ORDER BY label")
    names = [f"score_{branch}" for branch in range(table.num_branches)]
    scores = np.stack([np.asarray(found[name], np.float64) for name in names], axis=1)  # (C', N)
    return _plane(found["label"], scores, table.num_classes)


def _plane(
    labels: NDArray[np.integer], values: NDArray[np.float64], num_classes: int
) -> ClassMap | None:
    """The first two principal components of (C', D) values of some classes. An axis points to its
    largest value."""
    if len(labels) < 3 or values.shape[1] < 2:
        return None
    centred = values - values.mean(axis=0)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    variance = singular**2
    if variance.sum() == 0:
        return None
    flip = np.sign(axes[:2][[0, 1], np.abs(axes[:2]).argmax(axis=1)])
    points = np.full((num_classes, 2), np.nan)
    points[labels] = centred @ (axes[:2] * flip[:, None]).T  # (C', 2)
    return ClassMap(points, variance[:2] / variance.sum())
