"""Charts of a data set: sizes, what stands out in words, and text of strangers."""

from __future__ import annotations

import numpy as np
import pytest

from app.charts.specialise.class_bars import accuracy_bars
from app.charts.specialise.confusion_map import MOST_CLASSES, confusion_map
from app.charts.specialise.firing_map import MOST_POINTS, firing_map, shown_classes
from app.charts.specialise.order import blocks, by_subtask
from app.charts.specialise.subtask_tree import subtask_tree
from app.charts.specialise.words import (
    findings_sentences,
    own_and_other,
    reliability_sentence,
    together_in_subtasks,
)
from hydranet.specialisation import CIFAR100, Findings, Reliability

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
    cells = {point[0]: point[1:] for trace in figure.data for point in trace.customdata}
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
