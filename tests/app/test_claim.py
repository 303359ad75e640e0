"""The paper's claim, against cases that were computed by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from app.charts.claim import claim_chart
from app.charts.cost_axes import AXES, milliseconds
from app.charts.marks import DIGITISED, MEASURED, REPORTED
from app.comparing.claim import (
    PAPER,
    claim_table,
    claim_words,
    claims,
    cost_at,
    from_paper,
    measured_by_us,
)
from app.comparing.front import pareto_front, settings
from app.comparing.rows import AtBatch, AtK, Entry, entries
from hydranet.published import published_results

MACS = AXES["MACs"]


def entry(name: str, family: str, macs_m: float, top1: float, **changes: object) -> Entry:
    fields = {
        "name": name, "family": family, "dynamic": family.startswith("hydra"), "params_m": 1.0,
        "macs_m": macs_m, "top1": top1, "mark": MEASURED, "source": "a test",
    }  # fmt: skip
    return Entry(**{**fields, **changes})  # type: ignore[arg-type]


def test_between_two_networks_cost_doubles_by_halves() -> None:
    """From 10 to 40 M MACs over 10 points: 20 in the middle, since cost rises by its logarithm."""
    front = pareto_front(
        settings([entry("a", "resnet", 10, 60), entry("b", "resnet", 40, 70)], MACS)
    )
    assert cost_at(front, 60) == 10
    assert cost_at(front, 65) == pytest.approx(20)
    assert cost_at(front, 70) == pytest.approx(40)
    for outside in (59.9, 70.1):
        with pytest.raises(ValueError, match="does not reach"):
            cost_at(front, outside)


def test_a_claim_by_hand() -> None:
    """ResNets: 10 M at 60 %, 40 M at 70 %. Hydras: 10 M at 65 %, 20 M at 75 %. Both reach 65 to
    70 %: at 65 % 20 M to 10 M is 2 times, at 70 % 40 M to 14.14 M is 2.83 times."""
    rows = [
        entry("a", "resnet", 10, 60), entry("b", "resnet", 40, 70),
        entry("worse", "resnet", 50, 65),
        entry("h", "hydra-resnet", 10, 65), entry("i", "hydra-resnet", 20, 75),
    ]  # fmt: skip
    (found,) = claims(rows, MACS)
    assert (found.hydra, found.static) == ("Hydra-ResNet", "ResNet")
    assert found.top1 == (65, 70)
    assert found.ratios == pytest.approx((2.0, 40 / math.sqrt(200)))
    assert claim_words(found, "MACs") == (
        "At an equal top-1 from 65.0 to 70.0\u00a0%, ResNet needs 2 to 2.8 times the MACs of "
        "Hydra-ResNet; beyond, it cannot be said: below there is no Hydra-ResNet and above no "
        "ResNet."
    )
    table = claim_table([found])
    assert list(table["Times dearer"]) == list(found.ratios)


def test_where_no_accuracy_is_shared_it_cannot_be_said() -> None:
    rows = [entry("a", "resnet", 10, 60), entry("h", "hydra-resnet", 5, 65)]
    (found,) = claims(rows, MACS)
    assert not found.said
    assert "cannot be said: every Hydra-ResNet is more accurate" in claim_words(found, "MACs")
    assert len(claim_table([found])) == 0
    assert claims(rows[:1], MACS) == []


def test_a_teacher_on_one_side_alone_is_no_claim() -> None:
    """By hand: with a teacher 20 M to 10 M at 65 % is 2 times, without one 40 M to 10 M is 4."""
    taught = [
        entry("a", "resnet", 20, 65, teacher="t"), entry("h", "hydra-resnet", 10, 65, teacher="t"),
    ]  # fmt: skip
    untaught = [
        entry("b", "resnet", 40, 65), entry("c", "densenet", 10, 65),
        entry("i", "hydra-resnet", 10, 65),
    ]  # fmt: skip
    found = claims([*untaught, *taught], MACS)
    assert [(c.static, c.training, c.ratios) for c in found] == [
        ("ResNet", "with a teacher", (2.0,)), ("ResNet", "without a teacher", (4.0,)),
        ("DenseNet", "with a teacher", ()), ("DenseNet", "without a teacher", (1.0,)),
    ]  # fmt: skip
    assert claim_words(found[0], "MACs") == (
        "With a teacher, at an equal top-1 of 65.0\u00a0%, ResNet needs 2 times the MACs of "
        "Hydra-ResNet; beyond, it cannot be said: below there is no such Hydra-ResNet and above no "
        "such Hydra-ResNet."
    )
    assert claim_words(found[2], "MACs") == (
        "With a teacher, Hydra-ResNet against DenseNet cannot be said: there is no DenseNet with "
        "a teacher here."
    )
    assert list(claim_table(found)["Trained"]) == [c.training for c in found if c.said]
    lines = claim_chart(found, noun="MACs", mark=MEASURED).data
    assert [(line.name, line.line.width) for line in lines] == [
        ("Hydra-ResNet against ResNet, with a teacher", 4),
        ("Hydra-ResNet against ResNet, without a teacher", 2),
        ("Hydra-ResNet against DenseNet, without a teacher", 2),
    ]


def test_where_all_are_alike_a_claim_names_a_teacher_only_if_there_is_one() -> None:
    rows = [entry("a", "resnet", 20, 65), entry("h", "hydra-resnet", 10, 65)]
    (found,) = claims(rows, MACS)
    assert found.training == ""
    assert "Trained" not in claim_table([found])
    (found,) = claims([replace(row, teacher="t") for row in rows], MACS)
    assert found.training == "with a teacher"


def test_one_network_on_a_side_says_one_accuracy() -> None:
    rows = [
        entry("a", "resnet", 10, 60, times=(AtBatch(1, 1.0),)),
        entry("b", "resnet", 40, 70, times=(AtBatch(1, 4.0),)),
        entry("h", "hydra-resnet", 40, 65, times=(AtBatch(1, 4.0),), by_k=(AtK(1, 5.0, 64.0),)),
    ]
    (found,) = claims(rows, milliseconds(1))
    assert (found.top1, found.ratios) == ((65,), pytest.approx((0.5,)))
    assert "At an equal top-1 of 65.0\u00a0%, ResNet needs 0.5 times" in claim_words(found, "ms")
    (by_macs,) = claims(rows, MACS)
    assert by_macs.top1 == (64, 65)
    assert claims(rows, milliseconds(64)) == []


def test_the_papers_rows_and_ours_are_never_mixed() -> None:
    ours = entry("mine", "resnet", 10, 60)
    other = entry("other", "resnet", 10, 60, mark=REPORTED, source="another paper")
    rows = [ours, other, *entries([], published_results())]
    paper = from_paper(rows)
    assert all(row.source.startswith(PAPER) for row in paper)
    assert {row.family for row in paper} == {
        "hydra-resnet", "hydra-densenet", "resnet", "densenet",
    }  # fmt: skip
    assert measured_by_us(rows) == [ours]


def test_the_papers_claim_recomputed_by_numpy() -> None:
    rows = from_paper(entries([], published_results()))
    found = {(c.hydra, c.static): c for c in claims(rows, MACS)}
    assert len(found) == 4
    one = found["Hydra-ResNet", "ResNet"]

    def curve(family: str, at: np.ndarray) -> np.ndarray:
        points = sorted((r.top1, r.macs_m) for r in rows if r.family == family)
        return np.interp(at, [p[0] for p in points], np.log([p[1] for p in points]))

    at = np.array(one.top1)
    expected = np.exp(curve("resnet", at) - curve("hydra-resnet", at))
    np.testing.assert_allclose(one.ratios, expected)
    assert max(one.ratios) > 3


def test_the_chart_holds_the_ratios() -> None:
    rows = from_paper(entries([], published_results()))
    found = claims(rows, MACS)
    figure = claim_chart(found, noun="MACs", mark=DIGITISED)
    assert {t.name: tuple(t.y) for t in figure.data} == {
        f"{c.hydra} against {c.static}": c.ratios for c in found
    }
    assert {t.marker.symbol for t in figure.data} == {
        DIGITISED.symbol, DIGITISED.symbol + "-open"
    }, "open where held against a DenseNet"  # fmt: skip
    assert figure.layout.yaxis.type == "log", "between bends the line is straight only there"
    assert len(json.dumps(figure.to_plotly_json(), default=list)) < 500_000
