"""Training curves are read back from TensorBoard's event files, after breaks too."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hydranet.cli import main
from hydranet.data import ImageSet
from hydranet.data.batches import Batches
from hydranet.data.normalisation import Normalisation
from hydranet.errors import InputError
from hydranet.models import create_model
from hydranet.training.history import EpochRecord
from hydranet.training.loop import Progress, fit
from hydranet.training.recipe import Recipe
from hydranet.training.tensorboard_log import TensorBoardLog

SHAPE: dict[str, Any] = {"widths": (4, 4, 8), "num_classes": 3, "image_size": 16}
NORMALISATION = Normalisation((0.5,) * 3, (0.25,) * 3)
RECIPE = Recipe(
    epochs=3, batch_size=40, precision="float32", compile="off", execution="fired", load_balance=0.1
)
STEPS = 3


class Killed(Exception):
    """Ends a run."""


def read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """(step, value) of every curve, as TensorBoard reads the folder."""
    events = EventAccumulator(str(folder))
    events.Reload()
    return {
        tag: [(event.step, event.value) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def train(
    images: ImageSet, log: TensorBoardLog, *, state: Path, kill: int | None = None
) -> list[EpochRecord]:
    """A HydraNet trained with the log; `kill`: the step of all at which the run ends."""
    import torch

    torch.manual_seed(0)
    model = create_model("hydra_res_d1", num_branches=3, k=2, **SHAPE)

    def report(progress: Progress) -> None:
        log(progress)
        if kill == progress.epoch * STEPS + progress.step - 1:
            raise Killed

    with log:
        return fit(
            model, Batches(images, NORMALISATION), Batches(images, NORMALISATION),
            recipe=RECIPE, subtask_of_class=torch.tensor([0, 1, 2]), state_path=state,
            resume=True, on_progress=report,
        )  # fmt: skip


def check(found: dict[str, list[tuple[int, float]]], history: list[EpochRecord]) -> None:
    """The log holds the history, nothing twice and nothing else."""
    last_steps = [(record.epoch + 1) * STEPS - 1 for record in history]
    curves: dict[str, list[float | None]] = {
        "loss/epoch": [r.loss for r in history],
        "top1/training": [r.train_top1 for r in history],
        "top1/validation": [r.validation_top1 for r in history],
        "hit_rate": [r.hit_rate for r in history],
        "images_per_second": [r.images_per_second for r in history],
    }
    for term in ("labels", "gate", "balance"):
        curves[f"loss_terms/{term}"] = [r.loss_terms[term] for r in history]
    for branch in range(3):
        curves[f"branch_load/{branch:02}"] = [r.branch_load[branch] for r in history]
    for tag, values in curves.items():
        assert [step for step, _ in found[tag]] == last_steps, tag
        assert [value for _, value in found[tag]] == pytest.approx(values, rel=1e-6), tag
    first_steps = [epoch * STEPS for epoch in range(len(history))]
    rates = [RECIPE.rate(step, RECIPE.epochs * STEPS) for step in first_steps]
    assert found["learning_rate"] == [
        (step, pytest.approx(rate)) for step, rate in zip(first_steps, rates, strict=True)
    ]
    assert [step for step, _ in found["loss/step"]] == first_steps
    assert set(found) == {*curves, "learning_rate", "loss/step"}


def test_the_curves_are_those_of_the_history(coloured: ImageSet, tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path / "log", RECIPE)
    history = train(coloured, log, state=tmp_path / "state.safetensors")
    check(read(tmp_path / "log"), history)
    events = EventAccumulator(str(tmp_path / "log"))
    events.Reload()
    text = events.Tensors("recipe/text_summary")[0].tensor_proto.string_val[0].decode()
    assert '"load_balance": 0.1' in text


def test_a_killed_run_goes_on_in_the_same_log(coloured: ImageSet, tmp_path: Path) -> None:
    """Killed in its second epoch, whose first steps were logged: they are not there twice."""
    folder, state = tmp_path / "log", tmp_path / "state.safetensors"
    with pytest.raises(Killed):
        train(coloured, TensorBoardLog(folder, RECIPE), state=state, kill=STEPS + 1)
    assert [step for step, _ in read(folder)["loss/step"]] == [0, STEPS]
    history = train(coloured, TensorBoardLog(folder, RECIPE), state=state)
    check(read(folder), history)
    assert len(list(folder.iterdir())) == 2


def test_a_run_that_begins_anew_replaces_the_log(coloured: ImageSet, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    train(coloured, TensorBoardLog(folder, RECIPE), state=tmp_path / "first.safetensors")
    history = train(coloured, TensorBoardLog(folder, RECIPE), state=tmp_path / "second.safetensors")
    check(read(folder), history)
    assert len(list(folder.iterdir())) == 1


def test_without_the_package_a_sentence_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard")
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(InputError, match=r"pip install 'hydranet-explorer\[tensorboard\]'"):
        TensorBoardLog(tmp_path)


def test_an_unknown_log_is_refused_before_training(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, tmp_path: Path
) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for index in range(4):
            Image.new("RGB", (16, 16)).save(tmp_path / name / f"{index}.png")
    monkeypatch.setattr(
        sys, "argv", ["hydranet", "train", "resnet8", "--data", str(tmp_path), "--log", "mlflow"]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "--log must be tensorboard, not 'mlflow'" in capsys.readouterr().err
