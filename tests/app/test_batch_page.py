"""The page Batch on the shipped checkpoints, driven without a browser."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import hostile_zips as hostile
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from app import batch as batch_module
from app.batch import Batch
from app.batch_table import Wanted, answers, as_csv, loads, readable
from app.charts.batch import answer_bars, load_bars
from app.charts.batch_words import answers_sentence, load_sentence
from hydranet.bulk.rows import Found, Row, Settings
from hydranet.checkpoints import CHECKPOINTS, find_checkpoint
from hydranet.routing.policies import ALL_HEADS

ROOT = Path(__file__).parents[2] / "app"
PAGE = ROOT / "page_scripts" / "batch.py"
COFFEE, CAT = ((ROOT / "samples" / f"{name}.jpg").read_bytes() for name in ("coffee", "cat"))


@pytest.fixture
def page() -> AppTest:
    return AppTest.from_file(str(PAGE), default_timeout=60).run()


def upload(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    next(f for f in page.file_uploader if "upload" in f.key).set_value(
        [(name, content, "image/png") for name, content in files]
    )
    page.run()
    assert not page.exception
    return page


def shown(page: AppTest) -> pd.DataFrame:
    return page.dataframe[0].value


def texts(page: AppTest) -> str:
    return " ".join(element.value for element in [*page.markdown, *page.caption, *page.warning])


def test_the_sample_photos_are_there_to_begin_with(page: AppTest) -> None:
    assert not page.exception
    assert "5 images through" in texts(page)
    table = shown(page)
    assert list(table["File"]) == [
        f"{n}.jpg" for n in ("astronaut", "camera", "cat", "coffee", "rocket")
    ]
    assert all(len(fired) == 4 for fired in table["Fired branches"])
    assert all(uri.startswith("data:image/jpeg;base64,") for uri in table["Image"])
    assert max(map(len, table["Image"])) < 8_000
    charts = [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]
    assert len(charts) == 2
    assert len(charts[0]["data"][0]["x"]) == 20


def test_a_zip_with_broken_images_gives_rows_and_reasons(page: AppTest) -> None:
    content = hostile.zipped(
        *((f"photos/{i}.png", hostile.picture(i)) for i in range(40)),
        ("photos/broken.png", hostile.picture(0)[:50]), ("inner.zip", b""), ("notes.txt", b"text"),
    )  # fmt: skip
    upload(page, ("photos.zip", content), ("coffee.jpg", COFFEE), ("**bold**.png", b"no picture"))
    assert len(shown(page)) == 41
    said = texts(page)
    assert "41 images through" in said
    assert "3 images cannot be read" in said
    assert "1 other file" in said
    assert "**bold**" not in said, "a name is shown as text"


def test_k_and_the_network_route_the_same_images_again(page: AppTest) -> None:
    page.slider(key="k").set_value(2).run()
    assert {len(fired) for fired in shown(page)["Fired branches"]} == {2}
    page.slider(key="threshold").set_value(40).run()
    assert {len(fired) for fired in shown(page)["Fired branches"]} <= {1, 2}
    page.selectbox(key="network").select("resnet14").run()
    assert not page.exception
    assert "Fired branches" not in shown(page)
    assert len(page.get("plotly_chart")) == 1


def test_rows_are_filtered_by_answer_branch_and_probability(page: AppTest) -> None:
    everything = shown(page)
    branch = int(everything["Fired branches"][0][0])
    page.multiselect(key="wanted_branches").select(branch).run()
    assert 1 <= len(shown(page)) < 5
    assert all(str(branch) in fired for fired in shown(page)["Fired branches"])
    page.multiselect(key="wanted_branches").unselect(branch).run()
    page.slider(key="wanted_probability").set_value((50, 100)).run()
    assert (shown(page)["Probability (%)"] >= 50).all()
    assert len(shown(page)) == (everything["Probability (%)"] >= 50).sum()
    page.slider(key="wanted_probability").set_value((99, 100)).run()
    assert not page.dataframe
    assert "Widen" in page.info[0].value


def test_nothing_readable_is_said_and_the_images_can_be_forgotten(page: AppTest) -> None:
    upload(page, ("a.png", b"no picture"))
    assert not page.dataframe
    assert "1 image cannot be read" in texts(page)
    upload(page, ("a.zip", hostile.zipped(("notes.txt", b"text"))))
    assert "no image in what you handed over" in page.info[0].value
    upload(page, ("a.zip", b"PK\3\4 and no more"))
    assert "whole ZIP archive" in texts(page)
    page.button(key="forget_batch").click().run()
    assert not page.exception
    assert "sample photos" in texts(page)


def test_sessions_never_share_images(page: AppTest) -> None:
    upload(page, ("mine.jpg", COFFEE))
    other = AppTest.from_file(str(PAGE), default_timeout=60).run()
    assert "mine.jpg" not in list(shown(other)["File"])


def test_a_batch_stops_between_steps_and_goes_on() -> None:
    checkpoint, settings = find_checkpoint("hydra_res_d1", CHECKPOINTS), Settings(k=2)
    batch = Batch([(f"{i}.png", hostile.picture(i)) for i in range(40)])
    batch.set_up(checkpoint, settings)
    batch.advance(checkpoint, settings)
    batch.stop()
    done = len(batch.rows)
    assert batch.is_done
    assert 0 < done < 40
    batch.set_up(checkpoint, Settings(k=3))
    assert not batch.rows
    while not batch.is_done:
        batch.advance(checkpoint, Settings(k=3))
    assert len(batch.rows) == done, "what was stopped stays stopped with other settings"
    batch.go_on()
    while not batch.is_done:
        batch.advance(checkpoint, Settings(k=3))
    assert [row.index for row in batch.rows] == list(range(40))


def test_a_batch_has_limits_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "at most 5,000 entries" in Batch([("a.zip", hostile.many(100_000))]).notes[0]
    monkeypatch.setattr(batch_module, "MOST_IMAGES", 3)
    batch = Batch([(f"{i}.png", b"x") for i in range(5)])
    assert len(batch.items) == 3
    assert "2 were left out" in batch.notes[0]
    monkeypatch.setattr(batch_module, "MOST_BYTES", 10)
    assert "1 was left out" in Batch([("a.png", b"x" * 11)]).notes[0]


def found(prediction: int, confidence: float, fired: tuple[int, ...]) -> Found:
    return Found(
        prediction=prediction, confidence=confidence, runner_up=0, runner_up_confidence=0.0,
        gate_scores=(), fired=fired, weights=(), macs=1,
    )  # fmt: skip


ROWS = [
    Row(index=0, file="a", found=found(3, 0.5, (1, 2))),
    Row(index=1, file="b", found=found(3, 1.0, (1,))),
    Row(index=2, file="c", reason="It is broken."),
    Row(index=3, file="d", found=found(7, 0.2, (0,))),
]


def test_counts_loads_and_filters() -> None:
    assert answers(ROWS) == [(3, 2), (7, 1)]
    assert loads(ROWS, 4) == [1 / 3, 2 / 3, 1 / 3, 0]
    everything = [one for _, one in readable(ROWS)]
    assert all(Wanted().has(one) for one in everything)
    assert [Wanted(branches=frozenset({1, 2})).has(one) for one in everything] == [
        True,
        False,
        False,
    ]
    assert [Wanted(frozenset({7})).has(one) for one in everything] == [False, False, True]


def test_charts_and_their_sentences() -> None:
    bars = load_bars([0.5, 0.25, 0])
    assert list(bars.data[0].y) == [50, 25, 0]
    said = load_sentence([0.5, 0.25, 0])
    assert "Branch 0 fired most, for 50" in said
    assert "Branch 2 never fired" in said
    assert "Branch 1 fired least" in load_sentence([0.5, 0.25])
    assert "(1, 2) never fired" in load_sentence([0.5, 0, 0])
    assert "All heads fired equally often, for 50" in load_sentence([0.5, 0.5], ALL_HEADS)
    names = [(f"<b>{i}</b>", 9 - i) for i in range(9)]
    figure = answer_bars(names)
    assert len(figure.data[0].x) == 8
    assert "<b>" not in "".join(figure.layout.yaxis.ticktext)
    assert "of which the chart has 8" in answers_sentence(names)
    assert "its own" in answers_sentence([("a", 1), ("b", 1)])
    assert "All 4 images" in answers_sentence([("a", 4)])


def test_the_csv_file_has_every_row_and_no_formula() -> None:
    checkpoint = find_checkpoint("resnet14", CHECKPOINTS)
    batch = Batch([("=1+1.png", CAT), ("@x.png", b"no picture")])
    batch.set_up(checkpoint, Settings())
    batch.advance(checkpoint, Settings())
    table = pd.read_csv(io.BytesIO(as_csv(batch.rows, checkpoint.card, Settings())))
    assert list(table["file"]) == ["'=1+1.png", "'@x.png"]
    assert table["reason"].isna().tolist() == [True, False]


def test_no_image_touches_the_disk(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and watching and str(arguments[1]).startswith(("w", "a", "x")):
            opened.append(str(arguments[0]))

    watching = True
    sys.addaudithook(watch)
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(buffer, "PNG")
    upload(page, ("photos.zip", hostile.zipped(("a.png", buffer.getvalue()))))
    watching = False
    assert not opened
