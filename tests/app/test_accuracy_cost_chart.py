"""What the chart of the page Compare holds: every figure, once, under the right mark."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

from app.charts.accuracy_cost import accuracy_cost
from app.charts.cost_axes import AXES, rounded
from app.charts.families import GROUPS, OTHER, group_of
from app.charts.marks import MARKS, MEASURED, YOURS, mark_of
from app.charts.point_names import point_names
from app.comparing.front import Setting
from app.comparing.rows import Entry, comparable, entries, same_cost, verdict
from app.comparing.table import comparison_table
from app.spreadsheet import as_csv
from hydranet.checkpoints import Checkpoint, list_checkpoints
from hydranet.checkpoints.card import DataNote
from hydranet.config import CONFIG_CLASSES
from hydranet.published import PROVENANCES, published_results

SHAPE = {"num_classes": 100, "image_size": 8, "widths": (2, 2, 2)}
HYDRA = {**SHAPE, "num_branches": 4, "k": 2}
CIFAR = DataNote(
    name="cifar100", train_images=80, validation_images=16, test_images=24,
    train_sha256="0" * 64, test_sha256="1" * 64,
)  # fmt: skip


@pytest.fixture
def ours(tmp_path: Path, make_checkpoint: Callable[..., Path]) -> list[Checkpoint]:
    """A HydraNet, a static network, and one that was tested on other data."""
    make_checkpoint("hydra_a", tmp_path, shape=HYDRA, data=CIFAR)
    make_checkpoint("resnet_b", tmp_path, model="resnet8", shape=SHAPE, data=CIFAR)
    make_checkpoint("other", tmp_path)
    return list_checkpoints(tmp_path)[0]


@pytest.fixture
def rows(ours: list[Checkpoint]) -> list[Entry]:
    return entries(ours, published_results())


def points(figure, *, mark=None) -> list[tuple[float, float]]:
    """(cost, top-1) of the networks; neither the key, nor curves, nor rings."""
    names = {f"{group.name}, {m.name}" for group in GROUPS for m in MARKS if mark in (None, m)}
    traces = [trace for trace in figure.data if trace.name in names]
    return sorted(point for trace in traces for point in zip(trace.x, trace.y, strict=True))


def test_every_network_is_one_point(rows: list[Entry]) -> None:
    figure = accuracy_cost(rows, axis=AXES["MACs"])
    assert len(rows) == 2 + len(published_results())
    assert points(figure) == sorted((row.macs_m, row.top1) for row in rows)


@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: mark.name)
def test_a_mark_holds_exactly_the_figures_known_that_way(rows: list[Entry], mark) -> None:
    rows = [*rows, replace(rows[0], name="mine", macs_m=40.0, mark=YOURS)]
    figure = accuracy_cost(rows, axis=AXES["MACs"])
    expected = sorted((row.macs_m, row.top1) for row in rows if row.mark is mark)
    assert expected
    assert points(figure, mark=mark) == expected
    symbols = {t.marker.symbol for t in figure.data if t.name.endswith(f", {mark.name}")}
    assert symbols == {mark.symbol}


def test_marks_are_distinct_and_cover_every_provenance() -> None:
    assert len({mark.symbol for mark in MARKS}) == len(MARKS)
    published = {mark_of(provenance) for provenance in PROVENANCES}
    assert published | {MEASURED, YOURS} == set(MARKS)


def test_madds_are_twice_the_macs(rows: list[Entry]) -> None:
    macs = points(accuracy_cost(rows, axis=AXES["MACs"]))
    madds = points(accuracy_cost(rows, axis=AXES["MADDs (paper)"]))
    assert madds == [(2 * cost, top1) for cost, top1 in macs]


def test_networks_without_parameter_count_are_left_out_of_that_axis(rows: list[Entry]) -> None:
    known = [row for row in rows if row.params_m is not None]
    assert len(known) < len(rows)
    figure = accuracy_cost(rows, axis=AXES["Parameters"])
    assert points(figure) == sorted((row.params_m, row.top1) for row in known)


def test_the_curve_over_k_is_that_of_the_card(ours: list[Checkpoint], rows: list[Entry]) -> None:
    card = ours[0].card
    for axis, factor in (("MACs", 1), ("MADDs (paper)", 2)):
        figure = accuracy_cost(rows, axis=AXES[axis])
        (curve,) = [t for t in figure.data if t.name == "hydra_a, k from 1 to 4"]
        assert list(curve.x) == [factor * card.costs.macs(k) / 1e6 for k in (1, 2, 3, 4)]
        assert list(curve.y) == card.test.top1_by_k
        (ring,) = [t for t in figure.data if t.name == "default k"]
        assert (ring.x[0], ring.y[0]) == (curve.x[card.costs.k - 1], card.test.top1)
    on_parameters = accuracy_cost(rows, axis=AXES["Parameters"])
    assert not [t for t in on_parameters.data if "k from 1" in t.name]


def test_hover_says_how_a_figure_of_ours_came_about(rows: list[Entry]) -> None:
    figure = accuracy_cost(rows, axis=AXES["MACs"])
    (trace,) = [t for t in figure.data if t.name == "Hydra-ResNet, measured by us"]
    text = trace.hovertext[0].replace("<br>", " ")
    (curve,) = [t for t in figure.data if t.name == "hydra_a, k from 1 to 4"]
    assert curve.hovertext[1] == trace.hovertext[0]  # they lie upon each other at the default k
    for part in ("hydra_a", "k = 2", "M MACs", "40.00 %", "24 test images", "2 epochs",
                 "a test", "python 3.11"):  # fmt: skip
        assert part in text


def names_in(figure: go.Figure) -> dict[str, Any]:
    return {note.text: note for note in figure.layout.annotations}


def test_only_ours_are_labelled_and_names_are_shown_as_text(rows: list[Entry]) -> None:
    nasty = replace(rows[0], name="<a href='x'>&")
    figure = accuracy_cost([nasty, *rows[1:]], axis=AXES["MACs"])
    assert sorted(names_in(figure)) == ["&lt;a href=&#x27;x&#x27;&gt;&amp;", "resnet_b"]
    assert "<a" not in "".join(h for t in figure.data for h in t.hovertext or ())


def test_names_stand_at_their_points_and_not_on_curves(rows: list[Entry]) -> None:
    for log in (True, False):
        figure = accuracy_cost(rows, axis=AXES["MADDs (paper)"], log=log)
        found = names_in(figure)
        for row in rows[:2]:
            x = 2 * row.macs_m
            assert found[row.name].x == pytest.approx(math.log10(x) if log else x)
            assert found[row.name].y == row.top1
        assert "small: other k" in {t.name for t in figure.data}
    alone = accuracy_cost(rows[:1], axis=AXES["MACs"])
    assert names_in(alone)["hydra_a"].ay != 0, "not on its curve"
    figure = accuracy_cost(rows[:2], axis=AXES["Bytes"])
    assert set(names_in(figure)) == {"hydra_a", "resnet_b"}
    assert not {"small: other k", "dotted: dynamic k"} & {t.name for t in figure.data}


def test_a_name_does_not_lie_on_the_front(rows: list[Entry]) -> None:
    static = replace(rows[1], macs_m=30.0, top1=70.0, by_k=(), by_threshold=())
    cheaper, better = replace(static, macs_m=10.0), replace(static, macs_m=90.0, top1=75.0)
    front = [Setting(row, row.macs_m, row.top1) for row in (cheaper, better)]
    (free,) = point_names([static], AXES["MACs"], log=True, front=front[1:])
    (beside,) = point_names([static], AXES["MACs"], log=True, front=front)
    assert abs(free["ay"]) == 0
    assert abs(beside["ay"]) > 6.5, "off the step to the better one"


def test_axis_type_follows_the_switch(rows: list[Entry]) -> None:
    assert accuracy_cost(rows, axis=AXES["MACs"], log=True).layout.xaxis.type == "log"
    assert accuracy_cost(rows, axis=AXES["MACs"], log=False).layout.xaxis.type is None


def test_nothing_to_show_is_an_empty_figure() -> None:
    assert points(accuracy_cost([], axis=AXES["MACs"])) == []


def test_every_family_has_a_group_of_its_own_or_is_other() -> None:
    families = {result.family for result in published_results()}
    listed = [family for group in GROUPS for family in group.families]
    assert families <= set(listed)
    assert len(set(listed)) == len(listed)
    assert set(CONFIG_CLASSES) <= set(listed)
    assert group_of("never heard of") is OTHER


def test_only_networks_tested_on_the_same_data_are_compared(ours: list[Checkpoint]) -> None:
    assert {c.name: comparable(c.card) for c in ours} == {
        "hydra_a": True, "other": False, "resnet_b": True,
    }  # fmt: skip


def test_verdict_pairs_ours_with_the_nearest_of_ours(rows: list[Entry]) -> None:
    def pairs(shown: list[Entry]) -> list[tuple[Entry, Entry | None]]:
        return verdict(shown, shown)

    hydra, static = rows[:2]
    near, far = replace(static, macs_m=10.1), replace(static, macs_m=30.0)
    hydra = replace(hydra, macs_m=10.0)
    assert pairs([far, hydra, near, *rows[2:]]) == [(hydra, near)]
    assert same_cost(hydra, near)
    assert not same_cost(hydra, far)
    assert pairs([hydra, *rows[2:]]) == []
    taught = replace(hydra, teacher="t")
    assert pairs([far, taught, near]) == [(taught, None)], "no other had a teacher"
    far = replace(far, teacher="another")
    assert pairs([far, taught, near, hydra]) == [(taught, far), (hydra, near)]
    assert pairs([replace(near, mark=YOURS, teacher="t"), taught, near]) == [(taught, None)]
    assert verdict([hydra], [hydra, near]) == [(hydra, near)], "also one not shown"
    assert verdict([near], [hydra, near]) == []


def test_the_table_holds_the_figures_and_the_csv_runs_no_formula(rows: list[Entry]) -> None:
    table = comparison_table(rows)
    assert list(table["Top-1 (%)"]) == [row.top1 for row in rows]
    assert list(table["MADDs, paper (M)"]) == [2 * row.macs_m for row in rows]
    assert table["Parameters (M)"].isna().sum() == sum(row.params_m is None for row in rows)
    for sign in "=+-@\t":
        nasty = replace(rows[0], name=f"{sign}1+1", source=f"{sign}x")
        text = as_csv(comparison_table([nasty])).decode()
        assert f"'{sign}1+1" in text
        assert f"'{sign}x" in text
    broken = as_csv(comparison_table([replace(rows[0], name="a\r=1+1")])).decode()
    assert "\r" not in broken  # no row begins in the middle of a text
    assert "a =1+1" in broken


def test_costs_are_written_with_the_digits_they_are_good_for() -> None:
    assert [rounded(x) for x in (0.08114, 1.283, 26.401, 125.5, 1130)] == [
        "0.0811", "1.28", "26.4", "126", "1,130",
    ]  # fmt: skip
