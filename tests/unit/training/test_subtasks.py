"""Subtasks: equal in size, and of the least total distance that equal sizes allow."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans

from hydranet.balanced_assignment import assign_balanced
from hydranet.errors import InputError
from hydranet.subtasks import (
    balanced_clusters,
    branches_for,
    fired_for,
    members,
    number_by_first_class,
    random_subtasks,
    squared_distances,
)


def lumpy_features(classes: int, *, seed: int = 0) -> NDArray[np.float64]:
    """Most classes in a few dense lumps, so that k-means alone is far from balanced."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(8, 6)) * 4
    chance = np.array([0.4, 0.2, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05])
    return centres[rng.choice(8, classes, p=chance)] + rng.normal(size=(classes, 6))


def sizes(subtask: NDArray[np.int64], branches: int) -> NDArray[np.int64]:
    return np.bincount(subtask, minlength=branches)


def total(distances: NDArray[np.float64], subtask: NDArray[np.int64]) -> float:
    return float(distances[np.arange(len(subtask)), subtask].sum())


def greedy(distances: NDArray[np.float64]) -> NDArray[np.int64]:
    """Closest pair first, while the centroid has a place left."""
    classes, branches = distances.shape
    subtask = np.full(classes, -1)
    left = sizes(np.arange(classes) % branches, branches)
    for pair in np.argsort(distances, axis=None):
        index, branch = divmod(int(pair), branches)
        if subtask[index] < 0 and left[branch]:
            subtask[index] = branch
            left[branch] -= 1
    return subtask


def test_a_hundred_classes_in_twenty_subtasks() -> None:
    subtask = balanced_clusters(lumpy_features(100), 20)
    assert sizes(subtask, 20).tolist() == [5] * 20


@pytest.mark.parametrize(("classes", "branches"), [(103, 20), (7, 3), (5, 5), (9, 1), (21, 20)])
def test_sizes_differ_by_at_most_one(classes: int, branches: int) -> None:
    count = sizes(balanced_clusters(lumpy_features(classes), branches), branches)
    assert count.sum() == classes
    assert count.max() - count.min() == (classes % branches > 0)


def test_kmeans_alone_is_not_balanced_on_the_same_data() -> None:
    labels = KMeans(20, n_init=5, random_state=0).fit(lumpy_features(100)).labels_
    assert np.ptp(np.bincount(labels, minlength=20)) > 1


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e13])
@pytest.mark.parametrize(("classes", "branches"), [(6, 3), (6, 2), (7, 3), (5, 4), (4, 4)])
def test_assignment_is_the_best_there_is(classes: int, branches: int, scale: float) -> None:
    """Against all assignments of those sizes, whatever the scale of the features."""
    rng = np.random.default_rng(classes * branches)
    for _ in range(5):
        distances = rng.random((classes, branches)) * scale
        best = min(
            total(distances, np.array(choice))
            for choice in product(range(branches), repeat=classes)
            if np.ptp(sizes(np.array(choice), branches)) <= (classes % branches > 0)
        )
        subtask = assign_balanced(distances)
        assert np.ptp(sizes(subtask, branches)) == (classes % branches > 0)
        assert total(distances, subtask) == pytest.approx(best, rel=1e-9)


def by_places(distances: NDArray[np.float64]) -> NDArray[np.int64]:
    """The obvious way: one row a class, one column a place, of which some may stay empty."""
    classes, branches = distances.shape
    least, rest = divmod(classes, branches)
    places = np.concatenate(
        [np.repeat(np.arange(branches), least), np.arange(branches * bool(rest))]
    )
    cost = distances[:, places]  # (C, P)
    if rest:
        nobody = np.zeros((len(places) - classes, len(places)))
        nobody[:, : least * branches] = np.inf  # these places must be filled
        cost = np.concatenate([cost, nobody])
    return places[linear_sum_assignment(cost)[1][:classes]]


@pytest.mark.parametrize(("classes", "branches"), [(100, 20), (103, 20), (260, 32), (60, 59)])
def test_assignment_is_as_good_as_the_linear_one(classes: int, branches: int) -> None:
    features = lumpy_features(classes)
    distances = squared_distances(features, features[:branches] + 0.5)
    ours, theirs = assign_balanced(distances), by_places(distances)
    assert np.ptp(sizes(ours, branches)) == (classes % branches > 0)
    assert total(distances, ours) == pytest.approx(total(distances, theirs), rel=1e-9)


@pytest.mark.parametrize(
    ("classes", "branches", "fired"),
    [
        (2, 2, 1), (3, 3, 2), (4, 4, 2), (5, 5, 2), (7, 5, 2), (10, 5, 2), (100, 20, 4),
        (101, 20, 4), (1000, 50, 4), (10_000, 200, 4),
    ],
)  # fmt: skip
def test_branches_that_suit_the_classes(classes: int, branches: int, fired: int) -> None:
    assert (branches_for(classes), fired_for(branches)) == (branches, fired)


def test_every_number_of_classes_has_branches_that_fit() -> None:
    for classes in range(2, 500):
        branches = branches_for(classes)
        assert 2 <= branches <= classes
        assert 1 <= fired_for(branches) < branches


def test_no_worse_than_greedy_and_somewhere_better() -> None:
    better = 0
    for seed in range(10):
        features = lumpy_features(100, seed=seed)
        centroids = KMeans(20, n_init=1, random_state=seed).fit(features).cluster_centers_
        distances = squared_distances(features, centroids)
        ours, theirs = (total(distances, f(distances)) for f in (assign_balanced, greedy))
        assert ours <= theirs * (1 + 1e-12)
        better += ours < theirs * 0.999
    assert better > 0


def test_squared_distances() -> None:
    points, centroids = np.array([[0.0, 0], [3, 4]]), np.array([[0.0, 0], [0, 4], [3, 0]])
    assert squared_distances(points, centroids).tolist() == [[0, 16, 9], [25, 9, 16]]


def test_the_same_seed_gives_the_same_subtasks() -> None:
    features = lumpy_features(40)
    first, again = (balanced_clusters(features, 8, seed=3) for _ in range(2))
    assert np.array_equal(first, again)
    assert first[0] == 0


def test_random_subtasks_are_equal_and_random() -> None:
    subtask = random_subtasks(100, 20, seed=1)
    assert sizes(subtask, 20).tolist() == [5] * 20
    assert np.ptp(sizes(random_subtasks(103, 20), 20)) == 1
    assert not np.array_equal(subtask, random_subtasks(100, 20, seed=2))
    assert np.array_equal(subtask, random_subtasks(100, 20, seed=1))


def test_members_and_numbers() -> None:
    assert number_by_first_class(np.array([7, 2, 7, 0])).tolist() == [0, 1, 0, 2]
    assert members([0, 1, 0, 2], 4) == [[0, 2], [1], [3], []]


@pytest.mark.parametrize("branches", [0, -1, 4])
def test_a_branch_needs_a_class(branches: int) -> None:
    with pytest.raises(InputError, match=f"from 1 to 3.*not {branches}"):
        balanced_clusters(np.eye(3), branches)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_must_be_numbers(value: float) -> None:
    features = np.eye(4)
    features[1, 2] = value
    with pytest.raises(InputError, match="no numbers"):
        balanced_clusters(features, 2)
