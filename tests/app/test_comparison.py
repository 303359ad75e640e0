"""What is said of our networks: against a static one of equal cost, and by dynamic k."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.charts.accuracy_cost import accuracy_cost
from app.charts.cost_axes import AXES
from app.charts.marks import MEASURED, REPORTED
from app.charts.training_curves import branch_load_map, training_curves
from app.comparing.rows import AtThreshold, Entry, free_saving, interpolated
from hydranet.checkpoints import CHECKPOINTS, find_checkpoint, list_checkpoints
from hydranet.evaluation.dynamic_k import DynamicPoint
from hydranet.training.history import EpochRecord


def entry(name: str, macs_m: float, top1: float, **changes: object) -> Entry:
    fields = {
        "name": name, "family": "resnet", "dynamic": False, "params_m": 1.0, "macs_m": macs_m,
        "top1": top1, "mark": MEASURED, "source": "a test",
    }  # fmt: skip
    return Entry(**{**fields, **changes})  # type: ignore[arg-type]


def test_between_two_static_networks_the_line_runs_over_the_logarithm_of_macs() -> None:
    hydra = entry("hydra", 40.0, 70.0, dynamic=True)
    others = [entry("a", 10.0, 50.0), entry("b", 20.0, 60.0), entry("c", 80.0, 66.0)]
    strangers = [entry("theirs", 41.0, 99.0, mark=REPORTED), entry("d2", 39.0, 99.0, dynamic=True)]
    found = interpolated(hydra, [hydra, *others, *strangers])
    assert found is not None
    assert (found.cheaper.name, found.dearer.name) == ("b", "c")
    assert found.top1 == pytest.approx(63.0)
    exact = interpolated(entry("hydra", 20.0, 70.0, dynamic=True), others)
    assert exact is not None
    assert exact.top1 == pytest.approx(60.0)


def test_between_two_static_networks_that_had_a_teacher_as_it_had() -> None:
    others = [entry("a", 10.0, 50.0), entry("b", 20.0, 60.0, teacher="t"), entry("c", 80.0, 66.0)]
    found = interpolated(entry("h", 40.0, 70.0, dynamic=True), others)
    assert found is not None
    assert (found.cheaper.name, found.dearer.name) == ("a", "c")
    taught = entry("h", 40.0, 70.0, dynamic=True, teacher="u")
    assert interpolated(taught, others) is None
    found = interpolated(taught, [*others, entry("d", 50.0, 65.0, teacher="t")])
    assert found is not None
    assert (found.cheaper.name, found.dearer.name) == ("b", "d")


def test_a_static_network_that_a_cheaper_one_beats_is_no_end_of_the_line() -> None:
    others = [
        entry("a", 10.0, 50.0), entry("b", 20.0, 60.0), entry("worse", 30.0, 55.0),
        entry("costly", 50.0, 58.0), entry("c", 80.0, 66.0),
    ]  # fmt: skip
    found = interpolated(entry("h", 40.0, 70.0, dynamic=True), others)
    assert found is not None
    assert (found.cheaper.name, found.dearer.name) == ("b", "c")
    assert found.top1 > 60.0


@pytest.mark.parametrize("macs", [9.0, 80.0, 100.0])
def test_outside_of_our_static_networks_nothing_is_said(macs: float) -> None:
    assert (
        interpolated(entry("h", macs, 70.0), [entry("a", 10.0, 50.0), entry("c", 80.0, 66.0)])
        is None
    )


def test_the_free_saving_is_the_cheapest_setting_that_loses_nothing() -> None:
    settings = (
        AtThreshold(0.0, 4.0, 26.0, 63.0), AtThreshold(0.1, 3.0, 22.0, 63.2),
        AtThreshold(0.2, 2.0, 19.0, 63.0), AtThreshold(0.3, 1.0, 16.0, 62.9),
    )  # fmt: skip
    row = entry("h", 26.0, 63.0, dynamic=True, by_threshold=settings)
    assert free_saving(row) == settings[2]
    assert free_saving(replace(row, top1=64.0)) is None
    assert free_saving(entry("static", 26.0, 63.0)) is None


def test_the_chart_draws_dynamic_k(tmp_path: Path, make_checkpoint: Callable[..., Path]) -> None:
    folder = make_checkpoint("h", tmp_path)
    card = list_checkpoints(tmp_path)[0][0].card
    curve = [
        DynamicPoint(threshold=t, mean_branches=b, mean_macs=1e6 * b, top1=60 + b)
        for t, b in ((0.0, 2.0), (0.1, 1.5), (0.5, 1.0))
    ]
    make_checkpoint("h", tmp_path, test=replace(card.test, dynamic=curve))
    assert list_checkpoints(tmp_path)[0][0].card.test.dynamic == curve, "the card keeps the curve"
    assert folder.is_dir()
    row = entry(
        "h", 2.0, 62.0, dynamic=True, k=2,
        by_threshold=tuple(
            AtThreshold(p.threshold, p.mean_branches, p.mean_macs / 1e6, p.top1) for p in curve
        ),
    )  # fmt: skip
    for axis, factor in (("MACs", 1), ("MADDs (paper)", 2)):
        figure = accuracy_cost([row], axis=AXES[axis])
        (trace,) = (t for t in figure.data if t.name == "h, dynamic k")
        assert list(trace.x) == [2.0 * factor, 1.5 * factor, 1.0 * factor]
        assert list(trace.y) == [62.0, 61.5, 61.0]
    figure = accuracy_cost([row], axis=AXES["Parameters"])
    assert not [t for t in figure.data if t.name == "h, dynamic k"]


def test_the_shipped_curve_starts_at_the_default_k() -> None:
    """At threshold 0 dynamic k is top k: the same cost and, but for rounding, the same top-1."""
    card = find_checkpoint("hydra_res_d1", CHECKPOINTS).card
    first = card.test.dynamic[0]
    assert first.mean_branches == card.costs.k
    assert first.mean_macs == card.costs.routed_macs
    assert first.top1 == pytest.approx(card.test.top1, abs=0.02)


def record(epoch: int, **changes: object) -> EpochRecord:
    fields = {
        "epoch": epoch, "loss": 3.0 - epoch, "train_top1": 10.0, "validation_top1": 12.0,
        "learning_rate": 0.1, "images_per_second": 9.0, "seconds": 1.0,
    }  # fmt: skip
    return EpochRecord(**{**fields, **changes})  # type: ignore[arg-type]


def test_training_curves_hold_every_record() -> None:
    history = [
        record(0, hit_rate=50.0, branch_load=[0.5, 1.0]),
        record(1, hit_rate=60.0, branch_load=[0.75, 0.25]),
    ]
    curves = {trace.name: list(trace.y) for trace in training_curves(history).data}
    assert curves == {
        "validation top-1": [12.0, 12.0], "training top-1": [10.0, 10.0], "hit rate": [50.0, 60.0],
        "training loss": [3.0, 2.0], "learning rate": [0.1, 0.1],
    }  # fmt: skip
    load = branch_load_map(history)
    assert load is not None
    assert load.data[0].z.tolist() == [[50.0, 75.0], [100.0, 25.0]]
    assert list(load.data[0].x) == [1, 2]


def test_a_static_network_has_no_hit_rate_and_no_load() -> None:
    history = [record(0), record(1)]
    assert "hit rate" not in {trace.name for trace in training_curves(history).data}
    assert branch_load_map(history) is None
    assert branch_load_map([]) is None
    assert not math.isnan(training_curves(history).data[0].y[0])
