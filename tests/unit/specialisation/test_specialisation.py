"""Every figure of a data set equals what plain NumPy computes from the raw log."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from hydranet.evaluation.class_features import ClassFeatures
from hydranet.evaluation.route_log import RouteLog, write_route_log
from hydranet.specialisation import (
    RouteTable,
    Slice,
    branch_load,
    compare_logs,
    confusion,
    feature_map,
    findings,
    firing_share,
    gate_by_k,
    open_route_table,
    perfect_gate,
    reliability,
    score_map,
    slice_figures,
    slice_page,
    together,
)

IMAGES, CLASSES, BRANCHES, K = 900, 11, 5, 2
SUBTASK = np.array([c % BRANCHES for c in range(CLASSES)])


def make_log(seed: int = 0, *, static: bool = False) -> RouteLog:
    """With ties among the rounded scores, a class without images, and two branches that fire
    together more often than chance."""
    rng = np.random.default_rng(seed)
    label = np.random.default_rng(0).integers(0, CLASSES - 1, IMAGES).astype(np.int32)
    prediction = np.where(rng.random(IMAGES) < 0.6, label, rng.integers(0, CLASSES, IMAGES))
    confidence = rng.random(IMAGES).astype(np.float16)
    confidence[:3] = 0, 1, 0.5
    if static:
        return RouteLog(label, prediction.astype(np.int32), confidence)
    exact = rng.normal(size=(IMAGES, BRANCHES)) + 2 * np.eye(BRANCHES)[SUBTASK[label]]
    exact[:, 1] = exact[:, 0] + 0.3
    fired = np.argsort(-exact, axis=1)[:, :K].astype(np.int16)
    scores = (np.round(exact * 4) / 4).astype(np.float16)
    correct = rng.random((IMAGES, BRANCHES)) < 0.5
    correct[:, K - 1] = prediction == label
    better = (correct | (rng.random(correct.shape) < share) for share in (0.1, 0.3))
    return RouteLog(label, prediction.astype(np.int32), confidence, scores, fired, correct, *better)


LOG = make_log()
assert LOG.gate_scores is not None
assert LOG.fired is not None
assert LOG.correct_by_k is not None
RAN = np.zeros((IMAGES, BRANCHES), bool)
np.put_along_axis(RAN, LOG.fired.astype(int), True, axis=1)
RIGHT = LOG.label == LOG.prediction


def ranks() -> np.ndarray:
    """Place of each image's own branch: as fired says, then by rounded score and number."""
    assert LOG.gate_scores is not None
    assert LOG.fired is not None
    found = []
    for scores, fired, label in zip(LOG.gate_scores, LOG.fired, LOG.label, strict=True):
        own = SUBTASK[label]
        order = sorted(range(BRANCHES), key=lambda b: (-scores[b], b))
        place = order.index(own) + 1
        found.append(list(fired).index(own) + 1 if own in fired else max(place, K + 1))
    return np.array(found)


RANK = ranks()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> RouteTable:
    path = tmp_path_factory.mktemp("logs") / "a log's [routes].parquet"
    write_route_log(path, LOG)
    opened = open_route_table(path, num_classes=CLASSES, subtask_of_class=SUBTASK.tolist())
    path.unlink()  # it is not needed afterwards
    return opened


def test_firing_share(table: RouteTable) -> None:
    share = firing_share(table)
    for label in range(CLASSES - 1):
        assert np.allclose(share[label], RAN[LOG.label == label].mean(axis=0), atol=1e-15)
    assert np.isnan(share[CLASSES - 1]).all()


def test_branch_load(table: RouteTable) -> None:
    load = branch_load(table)
    share = RAN.mean(axis=0)
    part = share / share.sum()
    assert np.allclose(load.share, share)
    assert np.allclose(load.right, [RIGHT[RAN[:, b]].mean() for b in range(BRANCHES)])
    assert load.entropy == pytest.approx(-(part * np.log2(part)).sum())
    assert load.busiest_to_mean == pytest.approx(share.max() / share.mean())


def test_branches_that_stand_out(table: RouteTable) -> None:
    pairs = together(table)
    for one in range(BRANCHES):
        for other in range(BRANCHES):
            a, b = RAN[:, one], RAN[:, other]
            assert pairs[one, other] == pytest.approx((a & b).sum() / (a | b).sum())
    found = findings(table)
    share = RAN.mean(axis=0)
    assert found.even == K / BRANCHES
    assert dict(found.dead) == {b: s for b, s in enumerate(share) if s < 0.1 * found.even}
    assert dict(found.overloaded) == {b: s for b, s in enumerate(share) if s > 2 * found.even}


def test_gate_by_k(table: RouteTable) -> None:
    found = gate_by_k(table)
    assert LOG.correct_by_k is not None
    assert found.hit is not None
    for k in range(1, BRANCHES + 1):
        right, hit = LOG.correct_by_k[:, k - 1], k >= RANK
        assert found.right[k - 1] == pytest.approx(right.mean())
        assert found.hit[k - 1] == pytest.approx(hit.mean())
        assert found.right_without_hit[k - 1] == pytest.approx((right & ~hit).mean())
        assert found.missed[k - 1] == pytest.approx((~right & ~hit).mean())
        assert found.confused[k - 1] == pytest.approx((~right & hit).mean())


def test_what_a_perfect_gate_would_be_worth(table: RouteTable) -> None:
    found = perfect_gate(table)
    assert found is not None
    assert LOG.correct_by_k is not None
    assert LOG.correct_subtask_first is not None
    assert LOG.correct_with_subtask is not None
    for k in range(BRANCHES):
        assert found.right[k] == pytest.approx(LOG.correct_subtask_first[:, k].mean())
        assert found.swapped[k] == pytest.approx(LOG.correct_with_subtask[:, k].mean())
    first, needed = RANK == 1, np.maximum(RANK, K)
    assert found.known == pytest.approx(first.mean())
    assert found.right_where_known == pytest.approx(LOG.correct_by_k[first, 0].mean())
    assert found.least == pytest.approx((first & LOG.correct_by_k[:, 0]).mean())
    assert found.most == pytest.approx((~first | LOG.correct_by_k[:, 0]).mean())
    patient = LOG.correct_by_k[np.arange(IMAGES), needed - 1]
    assert found.patient == pytest.approx(patient.mean())
    assert found.patient_branches == pytest.approx(needed.mean())
    assert found.any_k == pytest.approx(LOG.correct_by_k.any(axis=1).mean())


def softmax_of_first() -> np.ndarray:
    assert LOG.gate_scores is not None
    assert LOG.fired is not None
    scores = LOG.gate_scores.astype(np.float32)
    first = np.take_along_axis(scores, LOG.fired[:, :1].astype(int), axis=1)
    return 1 / np.exp(scores - first).sum(axis=1)


@pytest.mark.parametrize("subject", ["answer", "gate"])
def test_reliability(table: RouteTable, subject: str) -> None:
    found = reliability(table, subject, bins=10)
    confidence = LOG.confidence.astype(float) if subject == "answer" else softmax_of_first()
    right = RIGHT if subject == "answer" else RANK == 1
    bins = np.minimum(np.floor(confidence * 10), 9).astype(int)
    assert np.array_equal(found.images, np.bincount(bins, minlength=10))
    ece = 0.0
    for b in np.unique(bins):
        inside = bins == b
        assert found.confidence[b] == pytest.approx(confidence[inside].mean(), abs=1e-6)
        assert found.right[b] == pytest.approx(right[inside].mean())
        ece += inside.sum() * abs(confidence[inside].mean() - right[inside].mean())
    assert found.ece == pytest.approx(ece / IMAGES, abs=1e-6)


def test_confusion(table: RouteTable) -> None:
    found = confusion(table)
    counts = np.zeros((CLASSES, CLASSES), int)
    np.add.at(counts, (LOG.label, LOG.prediction), 1)
    assert np.array_equal(found.counts, counts)
    inside = SUBTASK[LOG.label[~RIGHT]] == SUBTASK[LOG.prediction[~RIGHT]]
    assert found.inside == pytest.approx(inside.mean())
    chance = [
        np.mean(np.delete(SUBTASK, label) == SUBTASK[label]) for label in LOG.label[~RIGHT]
    ]  # fmt: skip
    assert found.inside_by_chance == pytest.approx(np.mean(chance))
    assert found.accuracy[3] == pytest.approx(RIGHT[LOG.label == 3].mean())


def kept(values: np.ndarray, points: np.ndarray) -> float:
    """Share of rows whose nearest other row is among the three nearest in the plane."""
    found = []
    for row in range(len(values)):
        others = [other for other in range(len(values)) if other != row]
        nearest = min(others, key=lambda o: np.linalg.norm(values[o] - values[row]))
        near = sorted(others, key=lambda o: np.linalg.norm(points[o] - points[row]))[:3]
        found.append(nearest in near)
    return float(np.mean(found))


def test_the_map_by_gate_scores_says_how_far_it_can_be_trusted(table: RouteTable) -> None:
    found = score_map(table)
    assert found is not None
    assert LOG.gate_scores is not None
    means = np.stack(
        [LOG.gate_scores[LOG.label == c].astype(float).mean(axis=0) for c in range(CLASSES - 1)]
    )
    assert found.kept == pytest.approx(kept(means, found.points[:-1]))
    assert np.isnan(found.points[-1]).all()


def test_the_map_by_features_puts_groups_of_classes_together() -> None:
    images = np.full(21, 3, np.int32)
    images[20] = 0
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(4, 9))
    mean = (centres[np.arange(21) % 4] + 0.05 * rng.normal(size=(21, 9))).astype(np.float32)
    mean[20] = np.nan
    found = feature_map(ClassFeatures(images, mean))
    assert found is not None
    assert np.isnan(found.points[20]).all()
    points, group = found.points[:20], np.arange(20) % 4
    for row in range(20):
        distances = np.linalg.norm(points - points[row], axis=1)
        same = distances[group == group[row]].max()
        assert same < distances[group != group[row]].min()
    assert found.kept == pytest.approx(kept(mean[:20].astype(float), points))
    again = feature_map(ClassFeatures(images, mean))
    assert again is not None
    assert np.array_equal(again.points, found.points, equal_nan=True)
    assert feature_map(ClassFeatures(images[:4], mean[:4])) is None
    assert feature_map(ClassFeatures(images, np.ones((21, 7), np.float32))) is None


def margins() -> np.ndarray:
    assert LOG.gate_scores is not None
    falling = -np.sort(-LOG.gate_scores.astype(np.float32), axis=1)
    return falling[:, K - 1] - falling[:, K]


def unusual(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Where `other` is not what goes with `own` most often; ties to the least."""
    usual = {
        value: min(
            np.unique(other[own == value]),
            key=lambda x: (-np.sum(other[own == value] == x), x),
        )
        for value in np.unique(own)
    }
    return np.array([usual[a] != b for a, b in zip(own, other, strict=True)])


ROUTE = (RAN << np.arange(BRANCHES)).sum(axis=1)
SLICES = [
    (Slice(), np.ones(IMAGES, bool)),
    (Slice(label=3), LOG.label == 3),
    (Slice(prediction=3, correct=False), (LOG.prediction == 3) & ~RIGHT),
    (Slice(subtask=1, branch=0), (SUBTASK[LOG.label] == 1) & RAN[:, 0]),
    (Slice(correct=True, margin=(0.25, 1.0)), RIGHT & (margins() >= 0.25) & (margins() <= 1)),
    (Slice(unusual="route"), unusual(LOG.label, ROUTE)),
    (Slice(unusual="class", label=2), unusual(ROUTE, LOG.label) & (LOG.label == 2)),
    (Slice(label=CLASSES - 1), np.zeros(IMAGES, bool)),
]


@pytest.mark.parametrize(("chosen", "inside"), SLICES, ids=[str(c) for c, _ in SLICES])
def test_slices(table: RouteTable, chosen: Slice, inside: np.ndarray) -> None:
    found = slice_figures(table, chosen)
    assert found.images == inside.sum()
    assert np.array_equal(found.labels, np.bincount(LOG.label[inside], minlength=CLASSES))
    assert found.load is not None
    if not found.images:
        assert np.isnan([found.right, found.confidence, found.hit, found.margin]).all()
        return
    assert found.right == pytest.approx(RIGHT[inside].mean())
    assert found.hit == pytest.approx((RANK[inside] <= K).mean())
    assert found.confidence == pytest.approx(LOG.confidence[inside].astype(float).mean())
    assert found.margin == pytest.approx(margins()[inside].astype(float).mean())
    assert np.allclose(found.load, RAN[inside].mean(axis=0))


def test_a_page_of_a_slice(table: RouteTable) -> None:
    inside = np.flatnonzero(~RIGHT)
    page = slice_page(table, Slice(correct=False), first=20, count=7).to_pydict()
    assert page["index"] == inside[20:27].tolist()
    assert page["label"] == LOG.label[inside[20:27]].tolist()
    assert page["fired"] == [np.flatnonzero(RAN[i]).tolist() for i in inside[20:27]]
    assert LOG.fired is not None
    assert page["first_choice"] == LOG.fired[inside[20:27], 0].tolist()
    assert np.allclose(page["margin"], margins()[inside[20:27]])


def test_two_networks(tmp_path: Path) -> None:
    other = make_log(1, static=True)
    for name, log in (("a", LOG), ("b", other)):
        write_route_log(tmp_path / name, log)
    pair = compare_logs(tmp_path / "a", tmp_path / "b", num_classes=CLASSES)
    theirs = other.label == other.prediction
    for name, inside in {
        "images": np.ones(IMAGES, bool), "both": RIGHT & theirs, "only_first": RIGHT & ~theirs,
        "only_second": ~RIGHT & theirs, "neither": ~RIGHT & ~theirs,
        "same_error": ~RIGHT & (LOG.prediction == other.prediction),
    }.items():  # fmt: skip
        expected = np.bincount(LOG.label[inside], minlength=CLASSES)
        assert np.array_equal(getattr(pair, name), expected), name
    rows = pq.read_table(tmp_path / "b")
    mixed = np.random.default_rng(2).permutation(IMAGES)
    pq.write_table(rows.take(mixed), tmp_path / "mixed")
    again = compare_logs(tmp_path / "a", tmp_path / "mixed", num_classes=CLASSES)
    assert all(
        np.array_equal(a, b) for a, b in zip(vars(pair).values(), vars(again).values(), strict=True)
    )
