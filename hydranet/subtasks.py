"""Subtasks: the classes divided into as many equal groups as there are branches. Light: no torch.

Source: HydraNets, CVPR 2018, section 3, as its readers describe it: average the features of a
trained static network over each class, k-means to N centroids, give every centroid C/N classes.
How the paper breaks ties is open; here the balanced assignment is solved exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydranet.errors import InputError

_KMEANS_STARTS = 20


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
    difference = points[:, None, :] - centroids[None, :, :]  # (C, N, D)
    return np.einsum("cnd,cnd->cn", difference, difference)


def assign_balanced(distances: NDArray[np.floating]) -> NDArray[np.int64]:
    """The assignment of C classes to N centroids of least total distance, of equal sizes.

    `distances`: (C, N), C ≥ N. Solved as a linear assignment problem: each centroid has ⌊C/N⌋
    places that must be filled and, where N does not divide C, one that may stay empty.
    """
    from scipy.optimize import linear_sum_assignment

    classes, branches = distances.shape
    must = np.repeat(np.arange(branches), classes // branches)
    may = np.arange(branches) if classes % branches else np.arange(0)
    places = np.concatenate([must, may])  # (P,) the centroid that owns each place
    cost = distances[:, places]  # (C, P)
    empty = len(places) - classes
    if empty:
        nobody = np.zeros((empty, len(places)))  # rows that leave a place empty
        nobody[:, : len(must)] = np.inf
        cost = np.concatenate([cost, nobody])  # (P, P)
    rows, columns = linear_sum_assignment(cost)
    subtask = np.empty(classes, np.int64)
    real = rows < classes
    subtask[rows[real]] = places[columns[real]]
    return subtask


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
