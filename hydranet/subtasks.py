"""Subtasks: the classes divided into as many equal groups as there are branches. Light: no torch.

Source: HydraNets, CVPR 2018, section 3, as its readers describe it: average the features of a
trained static network over each class, k-means to N centroids, give every centroid C/N classes.
How the paper breaks ties is open; here the balanced assignment is solved exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydranet.balanced_assignment import assign_balanced
from hydranet.errors import InputError

_KMEANS_STARTS = 20
_MOST_FIRED = 4


def branches_for(classes: int) -> int:
    """How many branches suit so many classes where nobody says: N.

    About 2·√C, which is the paper's 20 for 100 classes and lets subtasks and branches grow alike;
    the nearest number within a quarter of that which divides C, so that subtasks are equal in size;
    never more than C, so that each has a class.
    """
    wanted = 2 * classes**0.5
    near = [n for n in range(2, classes + 1) if classes % n == 0 and abs(n / wanted - 1) <= 0.25]
    best = min(near, key=lambda n: abs(n - wanted), default=round(wanted))
    return min(best, classes)


def fired_for(branches: int) -> int:
    """How many of N branches run for an image where nobody says: k.

    A fifth, as the paper's 4 of 20, but at least 2, so that the gate learns from the answer too, at
    most 4, so that the cost of an image does not grow with the classes, and fewer than there are.
    """
    return max(1, min(branches - 1, _MOST_FIRED, max(2, round(branches / 5))))


def balanced_clusters(
    class_features: NDArray[np.floating], num_branches: int, *, seed: int = 0
) -> NDArray[np.int64]:
    """The subtask of each class: (C, D) class features → (C,) int64 in [0, N).

    Subtasks differ in size by at most one class. Subtasks are numbered by their first class.

    Raises:
        InputError: there are fewer classes than branches, or a feature is no number.
    """
    from sklearn.cluster import KMeans

    features = np.asarray(class_features, np.float64)
    classes = len(features)
    if not 1 <= num_branches <= classes:
        raise InputError(
            f"The number of branches must be from 1 to {classes}, the number of classes, "
            f"not {num_branches}: every branch needs a class of its own."
        )
    if not np.isfinite(features).all():
        raise InputError("The class features hold values that are no numbers; train again.")
    kmeans = KMeans(num_branches, n_init=_KMEANS_STARTS, random_state=seed).fit(features)
    subtask = assign_balanced(squared_distances(features, kmeans.cluster_centers_))
    return number_by_first_class(subtask)


def squared_distances(
    points: NDArray[np.floating], centroids: NDArray[np.floating]
) -> NDArray[np.float64]:
    """(C, D) and (N, D) → (C, N) squared Euclidean distances."""
    from scipy.spatial.distance import cdist

    return cdist(points, centroids, "sqeuclidean")


def random_subtasks(classes: int, num_branches: int, *, seed: int = 0) -> NDArray[np.int64]:
    """Equal groups drawn by chance: what clusters must beat to be worth anything."""
    groups = np.arange(classes) % num_branches
    return number_by_first_class(np.random.default_rng(seed).permutation(groups))


def number_by_first_class(subtask: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same groups, numbered in the order in which they first appear."""
    _, first, inverse = np.unique(subtask, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    return rank[inverse].astype(np.int64)


def members(
    subtask_of_class: NDArray[np.integer] | list[int], num_branches: int
) -> list[list[int]]:
    """The classes of each subtask, from the subtask of each class."""
    groups: list[list[int]] = [[] for _ in range(num_branches)]
    for index, subtask in enumerate(subtask_of_class):
        groups[int(subtask)].append(index)
    return groups
