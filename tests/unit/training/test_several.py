"""Several networks by one command: each to its own checkpoint, whatever becomes of the others."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hydranet.checkpoints import find_checkpoint
from hydranet.errors import InputError
from hydranet.registry import list_models, model_config
from hydranet.training.job import Job, Measured, find_start
from hydranet.training.loop import Progress
from hydranet.training.recipe import Recipe
from hydranet.training.several import train_several

RECIPE = Recipe(
    epochs=1, batch_size=8, precision="float32", compile="off", validation_images=8,
    subtasks="random",
)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty folders of four noisy images each."""
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for name in range(20):
        (root / f"{name:02}").mkdir()
        for index in range(4):
            pixels = rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(root / f"{name:02}" / f"{index}.png")
    return root


def job(data: Path, folder: Path, model: str, **changes: Any) -> Job:
    fields = {
        "model": model, "name": model, "recipe": RECIPE, "data": data, "image_size": 8,
        "root": folder / "checkpoints", "runs": folder / "runs",
    }  # fmt: skip
    return Job(**{**fields, **changes})


class Diary:
    """What was told of each job."""

    def __init__(self) -> None:
        self.events: dict[str, list[Progress | Measured]] = {}

    def __call__(self, job: Job, event: Progress | Measured) -> None:
        self.events.setdefault(job.name, []).append(event)


def test_one_that_fails_does_not_stop_the_others(data: Path, tmp_path: Path) -> None:
    jobs = [
        job(data, tmp_path, "resnet8"),
        job(data, tmp_path, "resnet9"),
        job(data, tmp_path, "hydra_res_d1"),
    ]
    diary = Diary()
    good, bad, also_good = train_several(jobs, on_event=diary)
    assert bad.card is None
    assert "no network named 'resnet9'" in (bad.error or "")
    for outcome, model in ((good, "resnet8"), (also_good, "hydra_res_d1")):
        assert outcome.error is None
        assert outcome.card == find_checkpoint(model, tmp_path / "checkpoints").card
        assert (tmp_path / "runs" / model / "state.safetensors").is_file()
        assert any(isinstance(e, Progress) and e.record for e in diary.events[model])
        assert isinstance(last := diary.events[model][-1], Measured)
        assert last.done == last.total
    assert diary.events.keys() == {"resnet8", "hydra_res_d1"}


def test_side_by_side_gives_what_one_after_another_gives(data: Path, tmp_path: Path) -> None:
    alone, side = tmp_path / "alone", tmp_path / "side"
    (expected,) = train_several([job(data, alone, "resnet8")])
    diary = Diary()
    jobs = [job(data, side, "resnet8"), job(data, side, "resnet9")]
    good, bad = train_several(jobs, at_once=2, on_event=diary)
    assert good.card is not None
    assert expected.card is not None
    assert good.card.weights_sha256 == expected.card.weights_sha256
    assert good.card == find_checkpoint("resnet8", side / "checkpoints").card
    assert "no network named 'resnet9'" in (bad.error or "")
    assert diary.events.keys() == {"resnet8"}
    assert isinstance(diary.events["resnet8"][-1], Measured)


def end_the_process(*arguments: Any) -> None:
    os._exit(3)


def test_a_process_that_is_lost_is_a_sentence(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the system runs out of memory. Forked, so that it has this test's patch."""
    import multiprocessing

    get_context = multiprocessing.get_context
    monkeypatch.setattr(multiprocessing, "get_context", lambda kind: get_context("fork"))
    monkeypatch.setattr("hydranet.training.several.run_job", end_the_process)
    jobs = [job(data, tmp_path, "resnet8"), job(data, tmp_path, "resnet14")]
    for outcome in train_several(jobs, at_once=2):
        assert outcome.error == "its process ended with code 3. Go on with --resume."


def raise_an_error(*arguments: Any) -> None:
    raise RuntimeError("out of memory")


def test_an_error_that_nobody_foresaw_is_kept_to_its_network(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("hydranet.training.several.run_job", raise_an_error)
    jobs = [job(data, tmp_path, "resnet8"), job(data, tmp_path, "resnet14")]
    errors = [outcome.error for outcome in train_several(jobs)]
    assert errors == ["RuntimeError: out of memory"] * 2
    assert "Traceback" in capsys.readouterr().err


def test_a_name_stands_once(data: Path, tmp_path: Path) -> None:
    one = job(data, tmp_path, "resnet8")
    with pytest.raises(InputError, match="resnet8 stands twice"):
        train_several([one, replace(one, model="resnet14")])
    with pytest.raises(InputError, match="at a time, not 0"):
        train_several([one], at_once=0)


@pytest.mark.parametrize("name", list_models())
def test_auto_start_is_the_static_network_of_the_same_depth(name: str) -> None:
    config = model_config(name)
    if config.static == config:
        assert find_start("auto", name) is None
    elif config.static in (model_config(other) for other in list_models()):
        start = find_start("auto", name)
        assert start is not None
        assert model_config(start) == config.static
    else:
        with pytest.raises(InputError, match="Name a checkpoint of it as --start"):
            find_start("auto", name)
    assert find_start("mine", name) == "mine"
    assert find_start(None, name) is None


def test_auto_start_of_the_paper_s_networks() -> None:
    found = [find_start("auto", f"hydra_res_d{d}") for d in (1, 2, 3)]
    assert found == ["resnet8", "resnet14", "resnet20"]
