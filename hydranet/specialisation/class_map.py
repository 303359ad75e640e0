"""Classes in the plane, near one another where the gate treats them alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydranet.specialisation.table import RouteTable


@dataclass(frozen=True)
class ClassMap:
    """`points` (C, 2), NaN for a class without images; `explained` (2,): share of the variance
    between classes on each axis."""

    points: NDArray[np.float64]
    explained: NDArray[np.float64]


def class_map(table: RouteTable) -> ClassMap | None:
    """The first two principal components of each class's mean gate scores; None where no gate
    chooses or fewer than three classes have images. An axis points to its largest value."""
    found = table.columns("SELECT * FROM class_scores ORDER BY label") if table.k else {}
    if not found or len(found["label"]) < 3 or table.num_branches < 2:
        return None
    names = [f"score_{branch}" for branch in range(table.num_branches)]
    scores = np.stack([np.asarray(found[name], np.float64) for name in names], axis=1)  # (C', N)
    centred = scores - scores.mean(axis=0)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    variance = singular**2
    if variance.sum() == 0:
        return None
    flip = np.sign(axes[:2][[0, 1], np.abs(axes[:2]).argmax(axis=1)])
    points = np.full((table.num_classes, 2), np.nan)
    points[found["label"]] = centred @ (axes[:2] * flip[:, None]).T  # (C', 2)
    return ClassMap(points, variance[:2] / variance.sum())
