"""How firm an answer is: what the figure and its sentences hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.charts.palette import branch_colour
from app.charts.stability import Step, rows_of, stability_figure
from app.charts.stability_words import firmness_sentences, stability_text

PIXELS = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def a_step(label: str, fired: tuple[int, ...], answer: str, free: float, held: float) -> Step:
    return Step(
        label=label, pixels=PIXELS, fired=fired, answer=answer, same=answer == "cat",
        free=free, held=held,
    )  # fmt: skip


STEPS = [
    a_step("−15", (3, 1), "cat", 50, 55),
    a_step("0", (3, 1), "cat", 80, 80),
    a_step("15", (3, 7), "cat", 60, 70),
    a_step("30", (0, 7), "<b>dog", 10, 40),
]


def figure(steps: list[Step] = STEPS):
    return stability_figure(steps, unchanged=1, original="cat", dial="rotation (°)")


def by_name(name: str, steps: list[Step] = STEPS):
    (trace,) = (trace for trace in figure(steps).data if trace.name == name)
    return trace


def test_the_curves_are_free_and_held() -> None:
    assert list(by_name("route free").y) == [50, 80, 60, 10]
    assert list(by_name("route held").y) == [55, 80, 70, 40]
    assert "the route adds −30.0 points" in by_name("route free").hovertext[3]


def test_every_fired_branch_has_a_mark_in_its_colour_and_row() -> None:
    rows = rows_of(STEPS, 1)
    assert rows == [3, 1, 0, 7]
    trace = by_name("fired")
    marks = set(zip(trace.x, trace.y, trace.marker.color, strict=True))
    expected = {
        (place, 1 + rows.index(b), branch_colour(b))
        for place, step in enumerate(STEPS)
        for b in step.fired
    }
    assert marks == expected


def test_another_answer_has_another_mark_and_its_name_is_text() -> None:
    trace = by_name("answer")
    assert list(trace.marker.symbol) == ["circle", "circle", "circle", "x"]
    assert "&lt;b&gt;dog" in trace.hovertext[3]


def test_there_is_a_picture_for_every_setting() -> None:
    assert len(figure().layout.images) == len(STEPS)


def test_a_static_network_has_one_curve_and_answers_only() -> None:
    static = [replace(step, fired=(), held=step.free) for step in STEPS]
    names = [trace.name for trace in figure(static).data]
    assert names == ["pictures", "route free", "answer"]
    sentences = firmness_sentences(static, unchanged=1, unit="°")
    assert sentences == ["The answer first changes at 30°, to <b>dog."]


@pytest.mark.parametrize("side", [32, 224])
def test_the_message_is_small(side: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    steps = [replace(STEPS[i % 4], pixels=pixels, fired=tuple(range(20))) for i in range(13)]
    assert len(figure(steps).to_json()) < 500_000


def test_the_sentences_name_the_nearest_changes_and_split_the_change() -> None:
    route, answer, split = firmness_sentences(STEPS, unchanged=1, unit="°")
    assert route == "Other branches first fire at 15°."
    assert answer == "The answer first changes at 30°, to <b>dog."
    assert "from 80 to 10 %: −40 points because the pixels changed, −30 because" in split


def test_where_nothing_changes_the_sentences_say_so() -> None:
    route, answer, _ = firmness_sentences(STEPS[:2], unchanged=1, unit="×")
    assert route == "The same branches fire over the whole range."
    assert answer == "The answer stays cat over the whole range."


def test_the_words_for_a_screen_reader_hold_every_setting() -> None:
    text = stability_text(STEPS, unchanged=1, dial="rotation (°)")
    assert all(f"{step.label}: {step.answer}" in text for step in STEPS)
    assert "Branches that fire somewhere: 3, 1, 0, 7." in text
