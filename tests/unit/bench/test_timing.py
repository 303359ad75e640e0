"""Measurements: what they count, what they leave out, and what they say of the machine."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hydranet.checkpoints import find_checkpoint
from hydranet.engines import Engine, open_engine
from hydranet.errors import InputError
from hydranet.machine import hardware, versions
from hydranet.timing import SEED, measure, timed


def opened(folder: Path) -> Engine:
    return open_engine(find_checkpoint(folder), "reference")


def test_the_cold_run_is_left_out_and_the_spread_is_that_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter([0.0, 0.005, 1.0, 1.001, 2.0, 2.009])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    calls: list[int] = []
    told: list[float] = []

    def run() -> int:
        calls.append(1)
        return len(calls)

    result, timing = timed(run, 3, told.append)
    assert (result, len(calls)) == (1, 4)
    assert timing.median == pytest.approx(5)
    assert (timing.fastest, timing.slowest) == pytest.approx((1, 9))
    assert timing.runs == 3
    assert told == [0.25, 0.5, 0.75]


def test_what_progress_raises_ends_the_measurement() -> None:
    calls: list[int] = []

    def stop(part: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        timed(lambda: calls.append(1), 5, stop)
    assert len(calls) == 1


@pytest.mark.parametrize("batch", [1, 6])
def test_a_hydranet_runs_its_own_k_on_noise_that_is_always_the_same(
    tmp_path: Path, make_checkpoint: Any, batch: int
) -> None:
    engine = opened(make_checkpoint("hydra", tmp_path))
    card = engine.card
    found = measure(engine, batch=batch, runs=5)
    assert found.timing.fastest <= found.timing.median <= found.timing.slowest
    assert found.ms_per_image == found.timing.median / batch
    pixels = np.random.default_rng(SEED).integers(0, 256, (batch, 16, 16, 3), dtype=np.uint8)
    assert found.k == card.costs.k
    assert found.branches_run == len(set(engine.run(pixels).fired.flatten().tolist()))
    as_json = found.to_json()
    assert as_json["ms_per_image"]["median"] == found.ms_per_image
    assert (as_json["engine"], as_json["batch"], as_json["runs"]) == ("reference", batch, 5)
    assert (found.hardware, found.versions) == (hardware(), versions())
    assert found.threads == 1
    assert (found.checkpoint, found.weights_sha256) == ("hydra", card.weights_sha256)


def test_images_can_be_given(tmp_path: Path, make_checkpoint: Any) -> None:
    engine = opened(make_checkpoint("hydra", tmp_path))
    pixels = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    found = measure(engine, batch=4, runs=1, pixels=pixels, images="squares")
    assert found.branches_run == len(set(engine.run(pixels[:4]).fired.flatten().tolist()))
    assert found.images == found.to_json()["images"] == "squares"
    for wrong in (pixels[:3], pixels[:, :8]):
        with pytest.raises(InputError, match="at least 4 images of 16×16×3"):
            measure(engine, batch=4, pixels=wrong)


def test_a_static_network_has_no_k(tmp_path: Path, make_checkpoint: Any) -> None:
    found = measure(opened(make_checkpoint("static", tmp_path, model="resnet8")), runs=1)
    assert (found.k, found.branches_run) == (None, None)


def test_what_cannot_be_measured_is_refused(tmp_path: Path, make_checkpoint: Any) -> None:
    engine = opened(make_checkpoint("static", tmp_path, model="resnet8"))
    with pytest.raises(InputError, match="at least 1"):
        measure(engine, batch=0)
    with pytest.raises(InputError, match="at least 1"):
        measure(engine, runs=0)
