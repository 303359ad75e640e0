"""What the charts of Inspect hold, and how far an answer is said to be trusted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from app.certainty import certainty
from app.charts.answer import cost_bar, top5_bars
from app.charts.gate import gate_score_bars
from app.charts.network import network_picture
from app.charts.palette import branch_colour
from app.charts.words import network_text
from hydranet.checkpoints import load
from hydranet.checkpoints.card import Card
from hydranet.evaluation.route_log import RouteLog
from hydranet.prediction import Prediction, predict
from hydranet.routing.switchboard import Switchboard


@pytest.fixture
def seen(tmp_path: Path, make_checkpoint) -> tuple[Card, Prediction]:
    """A tiny HydraNet's card (4 branches, k = 2) and what it made of an image."""
    model = load(make_checkpoint("tiny", tmp_path))
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    return model.card, predict(model, [pixels], runs=1)[0]


def squares(figure: go.Figure) -> go.Scatter:
    (trace,) = (trace for trace in figure.data if trace.name == "branches")
    return trace


def test_picture_lights_exactly_the_fired_branches(seen: tuple[Card, Prediction]) -> None:
    card, found = seen
    trace = squares(network_picture(card, found))
    lit = [b for b, colour in enumerate(trace.marker.color) if colour == branch_colour(b)]
    assert lit == sorted(found.fired)
    assert all(trace.marker.color[b] == branch_colour(b) for b in lit)


def test_selecting_a_part_fades_nothing(seen: tuple[Card, Prediction]) -> None:
    card, found = seen
    for trace in network_picture(card, found).data:
        if trace.type == "scatter" and trace.mode == "text":
            assert trace.unselected.textfont.color == trace.textfont.color
        else:
            assert trace.unselected.marker.opacity == 1


def test_every_part_can_be_clicked_and_the_open_one_has_a_ring(
    seen: tuple[Card, Prediction],
) -> None:
    card, found = seen
    parts = ["stem", "gate", *(f"branch {b}" for b in range(4)), "combiner"]
    named = [
        part
        for trace in network_picture(card, found).data
        for part in (trace.customdata if trace.customdata is not None else ())
    ]
    assert set(named) == set(parts)
    assert not [s for s in network_picture(card, found).layout.shapes if s.name == "opened"]
    for part in parts:
        shapes = network_picture(card, found, opened=part).layout.shapes
        (ring,) = (shape for shape in shapes if shape.name == "opened")
        assert ring.type == ("rect" if part.startswith("branch") else "circle")


def test_switched_branches_are_marked(seen: tuple[Card, Prediction]) -> None:
    card, found = seen
    (on, *_), off = found.fired, next(b for b in range(4) if b not in found.fired)
    board = Switchboard(k=1, on=frozenset({on}), off=frozenset({off}))
    figure = network_picture(card, found, board=board)
    marks = {a.y: a.text for a in figure.layout.annotations if a.y < 4}
    assert marks[3 - on].endswith(" %, on")
    assert marks[3 - off] == "off"
    assert "switched off by you" in squares(figure).hovertext[off]
    assert f"Switched off by the visitor: {off}." in network_text(card, found, board=board)


def test_many_fired_branches_are_as_few_traces(seen: tuple[Card, Prediction]) -> None:
    card, found = seen
    everything = replace(found, fired=(0, 1, 2, 3), weights=(0.25,) * 4)
    assert len(network_picture(card, everything).data) == len(network_picture(card, found).data)


def test_hover_names_the_classes_of_the_subtask(seen: tuple[Card, Prediction]) -> None:
    card, found = seen
    texts = squares(network_picture(card, found)).hovertext
    for branch, classes in enumerate(card.subtasks):
        assert all(card.class_names[c] in texts[branch] for c in classes)
        assert ("did not fire" in texts[branch]) == (branch not in found.fired)


def test_class_names_are_text_not_html(tmp_path: Path, make_checkpoint) -> None:
    names = ("<b>bold</b>", *(str(c) for c in range(7)))
    model = load(make_checkpoint("hostile", tmp_path, class_names=names))
    found = predict(model, [np.zeros((16, 16, 3), np.uint8)], runs=1)[0]
    assert "<b>bold" not in str(squares(network_picture(model.card, found)).hovertext)


def test_cost_bar_sums_to_the_macs_of_all_branches(seen: tuple[Card, Prediction]) -> None:
    card, found = seen
    (bar,) = cost_bar(card, found).data
    parts = dict(zip(bar.customdata, bar.x, strict=True))
    assert bar.base[0] == 0
    assert list(bar.base[1:]) == pytest.approx(list(np.cumsum(bar.x)[:-1])), "end to end"
    assert sum(parts.values()) * 1e6 == pytest.approx(card.costs.all_branches_macs)
    assert (sum(parts.values()) - parts["not run"]) * 1e6 == pytest.approx(found.macs)


def test_bars_hold_the_prediction(seen: tuple[Card, Prediction]) -> None:
    card, found = seen
    bars = top5_bars(card, found)
    assert list(bars.data[0].x) == [100 * p for _, p in found.top(5)]
    assert bars.layout.yaxis.type == "category", "names may be digits"
    assert list(gate_score_bars(found).data[0].y) == [float(s) for s in found.gate_scores]


def test_the_margin_is_marked_between_two_branches(seen: tuple[Card, Prediction]) -> None:
    _, found = seen
    last, first, gap = found.gate_margin
    figure = gate_score_bars(found)
    (words,) = (a.text for a in figure.layout.annotations)
    assert words == f"margin {gap:.2f}<br>{last} over {first}"
    levels = {float(found.gate_scores[b]) for b in (last, first)}
    assert {shape.y0 for shape in figure.layout.shapes} == levels


def test_no_margin_is_marked_where_nothing_was_refused(seen: tuple[Card, Prediction]) -> None:
    _, found = seen
    assert not gate_score_bars(replace(found, fired=(0, 1, 2, 3))).layout.shapes


def test_certainty_is_counted_on_the_nearest_test_images() -> None:
    confidence = np.linspace(0, 1, 2001).astype(np.float16)
    right = confidence > 0.5
    log = RouteLog(right.astype(np.int32), np.ones(2001, np.int32), confidence)
    low, high = certainty(log, 0.2), certainty(log, 0.8)
    assert low.right_when_so == 0
    assert high.right_when_so == 100
    assert low.less_sure_than == pytest.approx(80, abs=1)
    assert high.less_sure_than == pytest.approx(20, abs=1)
    assert low.compared == 500
