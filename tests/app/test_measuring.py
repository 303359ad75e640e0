"""Measure here: networks timed on request, shown with what they were measured on, cancelled."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import app.page_scripts
from app import services
from app.charts.measured_times import measured_bars
from app.comparing import measuring
from app.comparing.rows import AtBatch
from app.cores.computing import ADMISSION
from app.cores.kept import Kept
from app.spreadsheet import as_csv
from hydranet.checkpoints import Checkpoint, list_checkpoints
from hydranet.checkpoints.card import DataNote
from hydranet.machine import hardware
from hydranet.timing import Measurement, Timing

PAGE = Path(app.page_scripts.__file__).with_name("compare.py")
SHAPE = {"num_classes": 100, "image_size": 8, "widths": (2, 2, 2)}
CIFAR = DataNote(
    name="cifar100", train_images=80, validation_images=16, test_images=24,
    train_sha256="0" * 64, test_sha256="1" * 64,
)  # fmt: skip


@pytest.fixture
def ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_checkpoint: Callable[..., Path]
) -> list[Checkpoint]:
    """Two networks that the page lists, and nothing measured yet."""
    monkeypatch.setattr(services, "list_checkpoints", lambda: list_checkpoints(tmp_path))
    monkeypatch.setattr(measuring, "_KEPT", Kept(64))
    hydra = {**SHAPE, "num_branches": 4, "k": 2}
    make_checkpoint("hydra_a", tmp_path, shape=hydra, data=CIFAR)
    make_checkpoint("resnet_b", tmp_path, model="resnet8", shape=SHAPE, data=CIFAR)
    return list_checkpoints(tmp_path)[0]


def measurement(name: str, batch: int, median: float, digest: str = "0") -> Measurement:
    return Measurement(
        engine="onnx", checkpoint=name, weights_sha256=digest, batch=batch, images="a test's",
        timing=Timing(median, median / 2, median * 3, 5), k=None, branches_run=None, threads=1,
        measured="2026-01-01T00:00:00+00:00", hardware="a test", versions={"python": "3.11"},
    )  # fmt: skip


def test_every_network_is_timed_in_every_batch_size_and_kept(ours: list[Checkpoint]) -> None:
    told: list[float] = []
    found = measuring.measure_all(ours, 5, told.append)
    networks = [(one.name, one.card.weights_sha256) for one in ours]
    assert list(found) == [(*network, batch) for network in networks for batch in (1, 64)]
    assert measuring.known(ours) == found
    assert measuring.known(ours[:1]) == {key: found[key] for key in list(found)[:2]}
    assert told == sorted(told)
    assert 0 <= told[0] <= told[-1] < 1
    assert {m.images for m in found.values()} == {measuring.IMAGES}
    assert {m.timing.runs for m in found.values()} == {5}
    assert {m.threads for m in found.values()} == {1}


def test_the_photos_are_always_the_same_and_all_different() -> None:
    crops = measuring.photo_crops(8)
    assert (crops.shape, crops.dtype) == ((64, 8, 8, 3), np.uint8)
    assert len({crop.tobytes() for crop in crops}) == 64
    measuring.photo_crops.cache_clear()
    assert np.array_equal(measuring.photo_crops(8), crops)


def test_a_cancelled_measurement_keeps_nothing_and_frees_its_core(ours: list[Checkpoint]) -> None:
    class Cancelled(BaseException): ...

    def cancel(part: float) -> None:
        if part > 0.1:
            raise Cancelled

    free = ADMISSION.free
    with pytest.raises(Cancelled):
        measuring.measure_all(ours, 5, cancel)
    assert measuring.known(ours) == {}
    assert ADMISSION.free == free


def test_what_was_measured_before_a_cancel_is_kept(ours: list[Checkpoint]) -> None:
    class Cancelled(BaseException): ...

    jobs = 2 * len(ours)  # batch 1 and batch 64 of each

    def cancel(part: float) -> None:
        if part > 2.5 / jobs:
            raise Cancelled

    with pytest.raises(Cancelled):
        measuring.measure_all(ours, 5, cancel)
    assert {key[:2] for key in measuring.known(ours)} == {
        (ours[0].name, ours[0].card.weights_sha256)
    }


def test_times_are_by_network_and_batch() -> None:
    found = {
        ("a", "0", 1): measurement("a", 1, 2.0), ("a", "0", 64): measurement("a", 64, 32.0),
        ("b", "0", 1): measurement("b", 1, 4.0),
    }  # fmt: skip
    assert measuring.times(found) == {
        ("a", "0"): (AtBatch(1, 2.0), AtBatch(64, 0.5)), ("b", "0"): (AtBatch(1, 4.0),),
    }  # fmt: skip


def test_the_files_hold_what_was_measured_and_on_what() -> None:
    found = [measurement("=1+1", 64, 32.0)]
    table = pd.read_csv(io.BytesIO(as_csv(measuring.measured_table(found))))
    assert table.loc[0, "Network"] == "'=1+1"
    assert (table.loc[0, "Median (ms an image)"], table.loc[0, "Slowest"]) == (0.5, 1.5)
    assert table.loc[0, "Hardware"] == "a test"
    assert table.loc[0, "Engine"] == "ONNX Runtime"
    held = json.loads(measuring.measured_json(found))
    assert held["machine"]["hardware"] == hardware()
    (run,) = held["runs"]
    assert run["ms_per_image"] == {"median": 0.5, "min": 0.25, "max": 1.5}
    assert (run["model"], run["batch"], run["versions"]) == ("=1+1", 64, {"python": "3.11"})
    assert run["engine"] == "onnx"


def test_the_bars_hold_medians_and_the_whiskers_the_spread() -> None:
    found = [measurement("slow", 1, 4.0), measurement("<b>", 1, 2.0), measurement("<b>", 64, 32.0)]
    figure = measured_bars(found)
    many, one = figure.data
    assert (list(one.y), list(one.x)) == (["slow", "&lt;b&gt;"], [4.0, 2.0])
    assert (list(one.error_x.array), list(one.error_x.arrayminus)) == ([8.0, 4.0], [2.0, 1.0])
    assert (list(many.x), list(many.error_x.array)) == ([0.5], [1.0])
    assert list(figure.layout.yaxis.categoryarray) == ["slow", "&lt;b&gt;"], "fastest on top"


def test_the_page_times_on_request_and_shows_the_times_as_a_cost(ours: list[Checkpoint]) -> None:
    page = AppTest.from_file(str(PAGE), default_timeout=60)
    page.query_params["section"] = "Measure here"
    page.query_params["cost"] = "Milliseconds"
    page.run()
    assert not page.exception
    assert "Nothing was timed here yet" in page.info[0].value
    page.button(key="start_measure").click().run()
    assert not page.exception
    table = next(d.value for d in page.dataframe if "Median (ms an image)" in d.value)
    assert list(table["Network"]) == ["hydra_a", "hydra_a", "resnet_b", "resnet_b"]
    assert set(table["Hardware"]) == {hardware()}
    (chart,) = [c for c in page.get("plotly_chart") if "accuracy_cost" in c.proto.id]
    points = json.loads(chart.proto.spec)["data"]
    seen = {x for t in points if t["name"].endswith("measured by us") for x in t["x"] if x}
    at_one = table[table["Batch"] == 1]["Median (ms an image)"]
    assert seen == {*at_one}

    other = AppTest.from_file(str(PAGE), default_timeout=60)
    other.query_params["section"] = "Measure here"
    other.run()
    assert any("Median (ms an image)" in d.value for d in other.dataframe), "kept on the server"
