"""Figures are handed to Plotly unchecked on a server: checked, they are the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from app.charts import figure
from app.charts.answer import cost_bar, top5_bars
from app.charts.choices import change_bars, subsets_scatter
from app.charts.feature_maps import maps_picture
from app.charts.gate import gate_score_bars
from app.charts.network import network_picture
from app.charts.shares import shapley_bars, share_bars
from app.charts.specialise.class_bars import accuracy_bars, difference_bars
from app.charts.specialise.class_plane import class_plane
from app.charts.specialise.confusion_map import confusion_map
from app.charts.specialise.firing_map import firing_map
from app.charts.specialise.gate_quality import gate_quality
from app.charts.specialise.load_bars import load_bars
from app.charts.specialise.reliability import reliability_diagram
from app.charts.specialise.subtask_tree import subtask_tree
from hydranet.checkpoints import find_checkpoint
from hydranet.routing.choices import every_subset, single_changes
from hydranet.routing.switchboard import Examined, Switchboard
from hydranet.specialisation import ClassMap, GateByK, Reliability

NAMES = [f"class {c}" for c in range(8)]


@pytest.fixture
def charts(tmp_path: Path, make_checkpoint) -> list[Callable[[], go.Figure]]:
    """Every chart of the page's first screen and of two of its sections, on random numbers."""
    card = find_checkpoint(make_checkpoint("tiny", tmp_path)).card
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    examined = Examined(
        pixels=np.zeros((16, 16, 3), np.uint8), gate_scores=normal(4), features=normal(4, 8),
        output_weight=normal(8, 8), output_bias=normal(8), costs=card.costs,
    )  # fmt: skip
    board = Switchboard(k=2, on=frozenset({3}), off=frozenset({1}))
    found = examined.answer(board.fired(examined.gate_scores))
    fired, values = found.fired, rng.normal(size=len(found.fired))
    changes = single_changes(examined, fired, 5)
    return [
        partial(network_picture, card, found, board=board, opened="gate"),
        partial(top5_bars, card, found),
        partial(cost_bar, card, found),
        partial(gate_score_bars, found),
        partial(maps_picture, normal(5, 4, 4), "signed"),
        partial(maps_picture, np.abs(normal(5, 4, 4)), "not signed"),
        partial(share_bars, found, examined.output_bias, 0, 1, ("a", "b")),
        partial(shapley_bars, fired, values),
        partial(shapley_bars, fired, values, np.abs(values)),
        partial(change_bars, changes, 0.5, 5, NAMES),
        partial(subsets_scatter, every_subset(examined, fired, 5), 5, NAMES),
    ]


@pytest.fixture
def charts_of_data() -> list[Callable[[], go.Figure]]:
    """Every chart of the page Specialise, on random numbers."""
    rng = np.random.default_rng(0)
    share, subtasks = rng.random((8, 4)), [c % 4 for c in range(8)]
    parts = [rng.random(4) for _ in range(5)]
    gate = GateByK(parts[0], parts[1], parts[2], parts[3], parts[4])
    bins = Reliability(rng.integers(0, 9, 10), rng.random(10), rng.random(10), 0.1)
    points = ClassMap(rng.random((8, 2)), 0.9)
    return [
        partial(firing_map, share, NAMES, subtasks, chosen=(3, None)),
        partial(load_bars, share[0], even=0.2, right=share[1], everywhere=share[2]),
        partial(gate_quality, gate, 2, parts[0]),
        partial(reliability_diagram, bins),
        partial(accuracy_bars, share[:, 0], NAMES, subtasks),
        partial(difference_bars, share[:, 0] - 0.5, NAMES),
        partial(confusion_map, rng.integers(0, 9, (8, 8)), NAMES, subtasks),
        partial(subtask_tree, NAMES, subtasks, share[:, 0], ["one", "two"] * 4),
        partial(class_plane, points, NAMES, subtasks, share[:, 0], chosen=2),
    ]


def test_unchecked_they_are_the_same(
    charts: list[Callable[[], go.Figure]],
    charts_of_data: list[Callable[[], go.Figure]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for chart in [*charts, *charts_of_data]:
        sent = []
        for checked in (True, False):
            monkeypatch.setattr(figure, "CHECKED", checked)
            sent.append(json.loads(chart().to_json()))
        assert sent[0] == sent[1]


def test_a_test_sees_what_is_not_plotlys() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        figure.figure([{"type": "bar", "nonsense": 1}], {})
    with pytest.raises(ValueError, match="nonsense"):
        figure.figure([], {"nonsense": 1})
