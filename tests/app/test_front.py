"""The Pareto front and the axes of cost, against slow and obvious ways to the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.charts.accuracy_cost import accuracy_cost
from app.charts.cost_axes import AXES, milliseconds
from app.charts.marks import MEASURED
from app.comparing.front import pareto_front, settings
from app.comparing.rows import AtBatch, AtK, AtThreshold, Entry, entries
from app.comparing.table import comparison_table
from app.views.compare.chart import _front_words
from hydranet.checkpoints import WEIGHTS, list_checkpoints
from hydranet.published import published_results


def entry(name: str, macs_m: float, top1: float, **changes: object) -> Entry:
    fields = {
        "name": name, "family": "resnet", "dynamic": False, "params_m": 1.0, "macs_m": macs_m,
        "top1": top1, "mark": MEASURED, "source": "a test",
    }  # fmt: skip
    return Entry(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(5))
def test_the_front_is_what_nothing_beats(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [
        entry(str(i), float(rng.integers(1, 8)), float(rng.integers(40, 50))) for i in range(30)
    ]
    found = settings(rows, AXES["MACs"])
    front = {(s.cost, s.top1) for s in pareto_front(found)}
    points = {(s.cost, s.top1) for s in found}
    unbeaten = {
        point
        for point in points
        if not any(o[0] <= point[0] and o[1] >= point[1] for o in points - {point})
    }
    assert front == unbeaten


def test_every_dial_of_a_hydranet_may_stand_on_the_front() -> None:
    row = entry(
        "h", 20.0, 60.0, k=2, by_k=(AtK(1, 10.0, 55.0), AtK(2, 20.0, 60.0)),
        by_threshold=(AtThreshold(0.1, 1.5, 15.0, 60.0),),
    )  # fmt: skip
    on_macs = pareto_front(settings([row], AXES["MACs"]))
    assert [(s.cost, s.top1, s.how) for s in on_macs] == [
        (10.0, 55.0, "k = 1"), (15.0, 60.0, "dynamic k, 10 %"),
    ]  # fmt: skip
    assert [s.cost for s in pareto_front(settings([row], AXES["MADDs (paper)"]))] == [20.0, 30.0]
    assert [s.how for s in settings([row], AXES["Parameters"])] == ["k = 2"]


def test_the_chart_draws_the_front_only_if_asked() -> None:
    rows = [entry("a", 1.0, 50.0), entry("b", 2.0, 49.0), entry("c", 3.0, 60.0)]
    drawn = accuracy_cost(rows, axis=AXES["MACs"], front=True, chosen=["b"])
    (line,) = [t for t in drawn.data if t.name == "Pareto front" and t.x[0] is not None]
    assert (list(line.x), list(line.y)) == ([1.0, 3.0], [50.0, 60.0])
    (circle,) = [t for t in drawn.data if t.name == "chosen"]
    assert (list(circle.x), list(circle.y)) == ([2.0], [49.0])
    plain = accuracy_cost(rows, axis=AXES["MACs"])
    assert not {"Pareto front", "chosen"} & {t.name for t in plain.data}


def test_bytes_are_those_of_the_file_and_times_those_that_were_measured(
    tmp_path: Path, make_checkpoint: Callable[..., Path]
) -> None:
    shape = {"num_classes": 100, "image_size": 8, "widths": (2, 2, 2)}
    folder = make_checkpoint("a", tmp_path, model="resnet8", shape=shape)
    card = list_checkpoints(tmp_path)[0][0].card
    data = card.data.__class__(**{**vars(card.data), "name": "cifar100"})
    make_checkpoint("a", tmp_path, model="resnet8", shape=shape, data=data)
    checkpoints, _ = list_checkpoints(tmp_path)
    network = checkpoints[0].name, checkpoints[0].card.weights_sha256
    (row,) = entries(checkpoints, [], {network: (AtBatch(64, 0.25),)})
    assert row.stored_mb == len((folder / WEIGHTS).read_bytes()) / 1e6
    assert (AXES["Bytes"].cost(row), row.ms(64), row.ms(1)) == (row.stored_mb, 0.25, None)
    assert milliseconds(64).cost(row) == 0.25
    assert milliseconds(1).cost(row) is None
    header = "Measured, batch 64 (ms an image)"
    assert list(comparison_table([row])[header]) == [0.25]
    assert header not in comparison_table(entries(checkpoints, []))
    published = entries([], published_results())
    assert all(AXES["Bytes"].cost(row) is None for row in published)


def test_the_message_of_the_figure_is_small() -> None:
    rows = entries(list_checkpoints()[0], published_results())
    figure = accuracy_cost(rows, axis=AXES["MACs"], front=True)
    assert len(json.dumps(figure.to_plotly_json(), default=list)) < 500_000


def test_the_front_says_how_a_network_is_run_that_stands_on_it() -> None:
    ours = entry("ours", 10, 60, k=4, by_k=(AtK(2, 5.0, 55.0),))
    said = _front_words([ours, entry("other", 9, 61)], AXES["MACs"])
    assert "from cheap to dear: ours (k = 2), other. No" in said
    said = _front_words([replace(ours, top1=62.0)], AXES["MACs"])
    assert "from cheap to dear: ours (k = 2, to k = 4). No" in said
