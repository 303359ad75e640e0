"""Classes in the plane, near one another where a network finds them alike.

Source of the projection: van der Maaten and Hinton, Visualizing Data using t-SNE, JMLR 2008. Class
features span about as many dimensions as they have, so their first two principal components show a
tenth of what tells classes apart; what a map can keep is who is next to whom. Only nearness means
something: axes, sizes of gaps and directions do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydranet.evaluation.class_features import ClassFeatures
from hydranet.specialisation.table import RouteTable
from hydranet.subtasks import squared_distances

NEAR = 3
"""A neighbour is kept if it is among so many that are nearest on the map."""
_PERPLEXITY = 5.0


@dataclass(frozen=True)
class ClassMap:
    """`points` (C, 2), NaN for a class without images; `kept`: of how many classes the one that is
    nearest in truth is among the `NEAR` nearest on the map, as a share."""

    points: NDArray[np.float64]
    kept: float


def feature_map(features: ClassFeatures) -> ClassMap | None:
    """By what the output layer sees: each class's mean features. None as for `score_map`."""
    labels = np.flatnonzero(features.images)
    return _plane(labels, features.mean[labels].astype(np.float64), len(features.images))


def score_map(table: RouteTable) -> ClassMap | None:
    """By what the gate says: each class's mean gate scores. None where no gate chooses, or fewer
    than five classes have images, or they do not differ."""
    if not table.k or table.num_branches < 2:
        return None
    found = table.columns("SELECT * FROM class_scores ORDER BY label")
    names = [f"score_{branch}" for branch in range(table.num_branches)]
    scores = np.stack([np.asarray(found[name], np.float64) for name in names], axis=1)  # (C', N)
    return _plane(found["label"], scores, table.num_classes)


def _plane(
    labels: NDArray[np.integer], values: NDArray[np.float64], num_classes: int
) -> ClassMap | None:
    """(C', D) values of some classes → their places; the same values give the same map."""
    if len(labels) <= NEAR + 1 or values.shape[1] < 2 or not np.ptp(values, axis=0).any():
        return None
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    perplexity = min(_PERPLEXITY, (len(labels) - 1) / 3)
    with threadpool_limits(1):  # so few points gain nothing, and threads that wait cost seconds
        places = TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(values)
    points = np.full((num_classes, 2), np.nan)
    points[labels] = places  # (C', 2)
    near = _nearest(places, NEAR)
    kept = (near == _nearest(values, 1)).any(axis=1)
    return ClassMap(points, float(kept.mean()))


def _nearest(points: NDArray[np.floating], count: int) -> NDArray[np.int64]:
    """(C', D) → (C', count): who is nearest to each, itself aside."""
    distances = squared_distances(points, points)  # (C', C')
    np.fill_diagonal(distances, np.inf)
    return np.argsort(distances, axis=1, kind="stable")[:, :count]
