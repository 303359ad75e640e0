"""Charts of a data set: sizes, what stands out in words, and text of strangers."""

from __future__ import annotations

import numpy as np
import pytest

from app.charts.specialise.ceiling_words import ceiling_sentences
from app.charts.specialise.class_bars import accuracy_bars
from app.charts.specialise.class_plane import class_plane
from app.charts.specialise.confusion_map import MOST_CLASSES, confusion_map
from app.charts.specialise.firing_map import MOST_POINTS, firing_map, shown_classes
from app.charts.specialise.gate_quality import gate_quality
from app.charts.specialise.order import blocks, by_subtask
from app.charts.specialise.subtask_tree import subtask_tree
from app.charts.specialise.words import (
    findings_sentences,
    own_and_other,
    reliability_sentence,
    together_in_subtasks,
)
from hydranet.specialisation import (
    CIFAR100,
    ClassMap,
    Findings,
    GateByK,
    PerfectGate,
    Reliability,
)

MESSAGE_BYTES = 500_000


def names(count: int) -> list[str]:
    return [f"a class with a long name {c}" for c in range(count)]


@pytest.mark.parametrize(("classes", "branches"), [(100, 20), (1000, 20), (1000, 64)])
def test_figures_stay_small(classes: int, branches: int) -> None:
    subtasks = [c % branches for c in range(classes)]
    share = np.random.default_rng(0).random((classes, branches))
    figure = firing_map(share, names(classes), subtasks, chosen=(3, None))
    assert len(figure.to_json()) < MESSAGE_BYTES
    shown = shown_classes(classes, branches, subtasks)
    assert len(shown) == min(classes, MOST_POINTS // branches)
    assert len(accuracy_bars(share[:, 0], names(classes), subtasks).to_json()) < MESSAGE_BYTES
    assert len(subtask_tree(names(classes), subtasks, share[:, 0]).to_json()) < MESSAGE_BYTES


def test_the_largest_confusion_matrix_stays_small() -> None:
    counts = np.random.default_rng(0).integers(0, 9, (MOST_CLASSES, MOST_CLASSES))
    figure = confusion_map(counts, names(MOST_CLASSES), [c % 20 for c in range(MOST_CLASSES)])
    axes = figure.layout.xaxis, figure.layout.yaxis
    assert [axis.type for axis in axes] == ["category"] * 2, "names may be digits"
    assert len(figure.to_json()) < MESSAGE_BYTES


def test_classes_stand_by_subtask() -> None:
    subtasks = [1, 0, 1, 0, 2]
    order = by_subtask(5, subtasks)
    assert order == [1, 3, 0, 2, 4]
    assert blocks(order, subtasks) == [(0, 0, 1), (1, 2, 3), (2, 4, 4)]
    assert by_subtask(3, None) == [0, 1, 2]


def test_every_square_says_class_branch_and_share() -> None:
    share = np.array([[1.0, 0.0], [0.25, 0.75]])
    figure = firing_map(share, ["<b>a</b>", "b"], [0, 1])
    cells = {
        cell: said
        for trace in figure.data
        for cell, *said in zip(trace.customdata, trace.hovertext, trace.text, strict=True)
    }
    assert cells["0 0"] == ["&lt;b&gt;a&lt;/b&gt;", "100.0"]
    assert cells["1 0"] == ["b", "25.0"]
    assert len(cells) == 4


def test_branches_that_stand_out_are_named_with_their_figures() -> None:
    found = Findings(0.2, dead=[(3, 0.001)], overloaded=[(1, 0.55)], duplicates=[(0, 2, 0.9)])
    text = " ".join(findings_sentences(found, every=False))
    assert "**Branch 3 is dead**: it fires for 0.10 % of images" in text
    assert "**Branch 1 is overloaded**: it fires for 55.0 % of images, 2.8 times" in text
    assert "**Branches 0 and 2 are duplicates**: of the images that fire either, 90 %" in text
    nothing = " ".join(findings_sentences(Findings(0.2), every=False))
    assert nothing.count("No ") == 3


def test_own_and_other_branches() -> None:
    share = np.array([[0.9, 0.1, 0.2], [0.4, 0.8, 0.0], [np.nan] * 3])
    own, other = own_and_other(share, [0, 1, 2])
    assert own == pytest.approx(0.85)
    assert other == pytest.approx((0.1 + 0.2 + 0.4 + 0.0) / 4)


def test_too_sure_and_not_sure_enough() -> None:
    images = np.array([0, 10])
    sure = Reliability(images, np.array([np.nan, 0.9]), np.array([np.nan, 0.5]), 0.4)
    assert "40.0 points too sure" in reliability_sentence(sure, "a", "b")
    unsure = Reliability(images, np.array([np.nan, 0.6]), np.array([np.nan, 0.9]), 0.3)
    assert "30.0 points too unsure" in reliability_sentence(unsure, "a", "b")
    fine = Reliability(images, np.array([np.nan, 0.6]), np.array([np.nan, 0.6]), 0.0)
    assert "as sure as it should be" in reliability_sentence(fine, "a", "b")


def test_superclasses_and_subtasks() -> None:
    groups = [group for group, members in CIFAR100.items() for _ in members.split()]
    whole, count, share, _ = together_in_subtasks(groups, [i // 5 for i in range(100)])
    assert (whole, count, share) == (20, 20, 1.0)
    spread = together_in_subtasks(groups, [i % 5 for i in range(100)])
    assert spread[0] == 0
    assert spread[2] == 0


def ceiling(**changes: object) -> PerfectGate:
    known = {
        "right": np.array([0.75, 0.70, 0.65]), "swapped": np.array([0.75, 0.52, 0.60]),
        "known": 0.6, "right_where_known": 0.8, "least": 0.48, "most": 0.88, "patient": 0.55,
        "patient_branches": 2.25, "any_k": 0.7,
    }  # fmt: skip
    return PerfectGate(**{**known, **changes})


GATE = GateByK(
    right=np.array([0.4, 0.5, 0.6]), hit=np.array([0.6, 0.8, 1.0]),
    right_without_hit=np.array([0.05, 0.02, 0.0]), missed=np.array([0.35, 0.18, 0.0]),
    confused=np.array([0.25, 0.32, 0.4]),
)  # fmt: skip


def test_the_ceiling_is_a_line_over_the_bars() -> None:
    figure = gate_quality(GATE, 2, ceiling().right)
    (line,) = [trace for trace in figure.data if trace.type == "scatter"]
    assert np.allclose(line.y, [75, 70, 65])
    assert list(line.x) == [1, 2, 3]
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert np.allclose(sum(np.asarray(bar.y) for bar in bars), 100)
    assert all(trace.type == "bar" for trace in gate_quality(GATE, 2).data)


def test_what_becomes_of_the_images_is_told_apart_on_light_and_dark_pages() -> None:
    colours = [bar.marker.color for bar in gate_quality(GATE, 2).data]
    red, green, blue = np.array([[int(c[i : i + 2], 16) for c in colours] for i in (1, 3, 5)])
    assert all(len(colour) == 7 for colour in colours), "opaque: the page does not shine through"
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    assert ((luma > 60) & (luma < 200)).all(), "neither as dark as the page nor as pale"
    far = np.hypot(np.hypot(np.diff(red), np.diff(green)), np.diff(blue))
    assert (far > 60).all(), "each stands out from the next in the stack"


def test_the_ceiling_in_words() -> None:
    text = ceiling_sentences(ceiling(), GATE, 2)
    assert "would be right for **70.0 %** of images at k = 2, where this one is for 50.0 %" in text
    assert "alone would be right for 75.0 %: the 1 beside it take 5.0 points away" in text
    assert "with the little weight that the gate gives it, 52.0 % would be right" in text
    assert "it is that the gate does not rank the right branch first" in text
    assert "(2.25 on average), 55.0 % would be right instead of 50.0 %" in text
    even = ceiling(swapped=np.array([0.75, 0.69, 0.6]))
    assert "does not rank" not in ceiling_sentences(even, GATE, 2)
    assert "in place of the last" not in ceiling_sentences(ceiling(), GATE, 3)
    old = ceiling_sentences(ceiling(right=None, swapped=None), GATE, 2)
    assert "48.0 to 88.0 % of images. **This log cannot say more**" in old
    assert "hydranet evaluate" in old


def test_a_class_on_the_map_has_its_name_accuracy_and_subtask() -> None:
    points = np.array([[0.0, 1], [2, 3], [np.nan, np.nan], [4, 5]])
    accuracy = np.array([0.0, 1.0, np.nan, 0.5])
    figure = class_plane(
        ClassMap(points, 0.9), ["<b>a</b>", "b", "c", "d"], [0, 1, 1, 0], accuracy, chosen=3
    )
    (trace,) = figure.data
    assert [list(point) for point in trace.customdata] == [
        ["0", "&lt;b&gt;a&lt;/b&gt;", "<br>subtask 0", "0"],
        ["1", "b", "<br>subtask 1", "100"],
        ["3", "d", "<br>subtask 0", "50"],
    ]
    area = np.asarray(trace.marker.size) ** 2
    assert area[2] == pytest.approx((area[0] + area[1]) / 2), "the area says how often"
    assert trace.marker.color[0] == trace.marker.color[2] != trace.marker.color[1]
    assert [bool(width) for width in trace.marker.line.width] == [False, False, True]
    many = np.random.default_rng(0).normal(size=(1000, 2))
    large = class_plane(ClassMap(many, 0.9), names(1000), None, np.ones(1000))
    assert len(large.to_json()) < MESSAGE_BYTES
