"""The command line, as a user's shell sees it: output, exit codes, and a network trained by it."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from data_sets import COLOURS
from PIL import Image
from shell import Shell

from hydranet.checkpoints import find_checkpoint
from hydranet.checkpoints.card import DataNote, read_card
from hydranet.data import load_images
from hydranet.evaluation.route_log import read_route_log
from hydranet.registry import list_models

CLASSES = tuple(COLOURS)


def test_models_prints_the_registry_with_exact_costs(shell: Shell) -> None:
    models = {model["name"]: model for model in shell.json("models")["models"]}
    assert list(models) == list_models()
    hydra = models["hydra_res_d1"]
    assert hydra["parameters"] == 1_276_680
    assert hydra["macs"]["routed"] == 26_418_688
    static = models["resnet14"]["macs"]
    assert static["routed"] == static["all_branches"] == 26_401_024
    assert "hydra_res_d1" in shell("models")[1]


def test_predict_answers_the_readable_and_names_the_rest(
    shell: Shell, tmp_path: Path, make_checkpoint
) -> None:
    make_checkpoint("tiny", tmp_path)
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.new("RGB", (50, 40), "red").save(good)
    bad.write_bytes(b"no picture")
    arguments = ("predict", good, bad, "--checkpoint", "tiny", "--checkpoints", tmp_path)
    first, second = shell.json(*arguments, "--k", 3)["images"]
    assert len(first["top5"]) == 5
    assert len(first["fired"]) == len(first["weights"]) == 3
    assert len(first["gate_scores"]) == 4
    assert first["ms"] > 0
    assert second.keys() == {"file", "error"}
    assert "fired" in shell(*arguments)[1]


def test_quantise_says_what_int8_costs_and_where_it_is_chosen(
    shell: Shell, folders: Path, tmp_path: Path, make_checkpoint
) -> None:
    test = load_images(folders, "test", image_size=16)
    data = DataNote(
        name="folders", train_images=86, validation_images=10, test_images=len(test),
        train_sha256="0" * 64, test_sha256=test.sha256,
    )  # fmt: skip
    shape = {"num_classes": len(CLASSES), "image_size": 16, "num_branches": 3, "k": 2}
    make_checkpoint("six", tmp_path, shape=shape, data=data, class_names=CLASSES)
    named = ("six", "--checkpoints", tmp_path)
    picture = folders / "red" / "00.png"
    asked = ("predict", picture, "--checkpoint", *named, "--engine", "int8")
    code, _, err = shell(*asked)
    assert code == 2
    assert "six has not been quantised" in err
    found = shell.json("quantise", *named, "--data", folders, "--images", 64)
    assert found["routes_changed"] == 0
    assert found["top1_fall"] == pytest.approx(found["top1_float"] - found["top1"], abs=1e-3)
    note = find_checkpoint("six", tmp_path).card.int8
    assert note is not None
    assert (note.images, note.top1_fall) == (len(test), found["top1_fall"])
    code, _, err = shell(*asked)
    assert code == 0
    assert err == note.words(routed=True) + "\n"
    code, out, _ = shell("quantise", *named, "--data", folders, "--images", 64, "--gate", "int8")
    assert code == 0
    assert "calibrated by" in out

    parts = (*named, "--out", tmp_path / "parts", "--threads", 1)
    assert shell("route", folders, "--checkpoint", *parts)[0] == 0
    code, _, err = shell("route", folders, "--checkpoint", *parts, "--engine", "int8")
    assert code == 2
    assert "computed in int8 where these are not" in err
    in_int8 = ("--checkpoint", *named, "--out", tmp_path / "int8", "--engine", "int8")
    assert shell("route", folders, *in_int8)[0] == 0
    again = shell.json("route", folders, *in_int8)
    assert again["images_now"] == 0
    table = pq.read_table(tmp_path / "int8" / "routes-00000.parquet")
    said = json.loads(table.schema.metadata[b"hydranet"])
    now = find_checkpoint("six", tmp_path).card.int8
    assert now is not None
    assert said["int8_sha256"] == now.calibration_sha256

    other = {**data.__dict__, "test_sha256": "1" * 64}
    make_checkpoint("seven", tmp_path, shape=shape, data=DataNote(**other), class_names=CLASSES)
    code, _, err = shell("quantise", "seven", "--checkpoints", tmp_path, "--data", folders)
    assert code == 2
    assert "was tested on" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("predict", "none.png", "--checkpoint", "missing"), "missing"),
        (("train", "resnet15", "--data", "{data}"), "resnet14"),
        (("train", "resnet8", "--data", "/nowhere/at/all"), "/nowhere/at/all"),
        (("train", "resnet8", "--data", "{data}", "--epochs", "0"), "epochs"),
        (("train", "resnet8", "--data", "{data}", "--validation-images", "96"), "hold out"),
        (("train", "hydra_res_d1", "--data", "{data}", "--start", "resnet8"), "checkpoint 'resnet"),
        (("train", "hydra_res_d1", "--data", "{data}", "--branches", "7"), "there can be 1 to 6"),
        (("train", "hydra_res_d1", "--data", "{data}", "--branches", "4", "--k", "5"), "1 to 4"),
        (("train", "resnet8", "--data", "{data}", "--k", "1"), "it has no branches"),
        (("train", "resnet8", "--data", "{data}", "--image-size", "4"), "from 8 to 1024, not 4"),
        (("train", "resnet8", "--data", "{data}", "--device", "tpu"), "cpu"),
        (("train", "resnet8", "--data", "{data}", "--erase", "32"), "less than the image size"),
        (("train", "resnet8", "--data", "{data}", "--runs", "/proc/x"), "can be written to"),
        (("subtasks", "resnet8", "--data", "{data}", "--seed", "-1"), "equal to 0"),
    ],
)
def test_bad_input_is_a_sentence_and_exit_code_2(
    shell: Shell, folders: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    filled = [argument.format(data=folders) for argument in arguments]
    code, out, err = shell(*filled, "--checkpoints", tmp_path)
    assert code == 2
    assert not out
    assert said in err
    assert "Traceback" not in err


def test_train_evaluate_and_subtasks_from_a_folder_of_images(
    shell: Shell, folders: Path, tmp_path: Path
) -> None:
    common = ("--data", folders, "--checkpoints", tmp_path, "--threads", 1)
    schedule = (
        "--epochs", 4, "--batch-size", 16, "--image-size", 16, "--validation-images", 12,
        "--learning-rate", 0.05, "--compile", "off", "--runs", tmp_path / "runs",
    )  # fmt: skip
    trained = shell.json("train", "resnet8", *common, *schedule)
    assert trained["epochs"] == 4
    assert trained["top1"] > 50, "six plain colours are told apart far better than by chance"

    measured = shell.json("evaluate", "resnet8", *common)
    assert measured["images"] == 24
    assert measured["top1"] == trained["top1"]
    assert measured["hit_rate"] is None

    groups = shell.json("subtasks", "resnet8", *common, "--branches", 3)["subtasks"]
    assert [len(group) for group in groups] == [2, 2, 2]
    assert sorted(name for group in groups for name in group) == sorted(CLASSES)

    again = shell.json("train", "resnet8", *common, *schedule, "--resume")
    assert again["top1"] == trained["top1"], "a finished run is finished, not trained again"


def test_several_networks_by_one_command(shell: Shell, folders: Path, tmp_path: Path) -> None:
    arguments = (
        "--data", folders, "--checkpoints", tmp_path, "--threads", 1, "--epochs", 1,
        "--batch-size", 16, "--image-size", 16, "--validation-images", 12, "--compile", "off",
        "--runs", tmp_path / "runs",
    )  # fmt: skip
    trained = shell.json("train", "resnet8", "resnet14", *arguments)["trained"]
    assert [one["checkpoint"] for one in trained] == ["resnet8", "resnet14"]
    assert all(one["epochs"] == 1 for one in trained)

    code, out, err = shell("train", "hydra_res_d1", "resnet8", *arguments, "--k", 9, "--json")
    assert code == 2
    assert json.loads(out) == {"trained": []}
    assert "resnet8: resnet8 is a static network" in err
    assert "hydra_res_d1: k, with 6 branches, must be" in err

    code, out, err = shell("train", "resnet8", "resnet14", *arguments, "--name", "mine")
    assert (code, out) == (2, "")
    assert "--name is for one network" in err


def test_a_hydranet_on_classes_of_ones_own_beside_checkpoints_of_others(
    shell: Shell, folders: Path, tmp_path: Path, make_checkpoint
) -> None:
    """One command: the static network first, names of their own, branches from the classes."""
    for name in ("hydra_res_d1", "resnet8"):
        make_checkpoint(name, tmp_path, model=name)
    shipped = (tmp_path / "resnet8" / "card.json").read_bytes()
    command = (
        "train", "hydra_res_d1", "--data", folders, "--checkpoints", tmp_path, "--threads", 1,
        "--epochs", 1, "--batch-size", 16, "--image-size", 16, "--compile", "off",
        "--runs", tmp_path / "runs",
    )  # fmt: skip
    code, out, err = shell(*command)
    assert code == 0, err
    own = [f"{model}-{folders.name}" for model in ("resnet8", "hydra_res_d1")]
    assert f"{own[0]} first: subtasks are made from it" in err
    assert [line.partition(":")[0] for line in out.splitlines()] == [
        str(tmp_path / name) for name in own
    ]
    card = find_checkpoint(own[1], tmp_path).card
    assert card.class_names == CLASSES
    assert (card.costs.num_branches, card.costs.k, card.recipe.start) == (6, 2, own[0])
    assert (card.data.train_images, card.data.validation_images, card.data.test_images) == (
        86, 10, 24,
    )  # fmt: skip
    assert sorted(card.subtask_of_class or ()) == list(range(6))
    assert (tmp_path / "resnet8" / "card.json").read_bytes() == shipped

    again = shell.json(*command, "--branches", 2)
    assert again["checkpoint"] == own[1]
    assert find_checkpoint(own[1], tmp_path).card.costs.num_branches == 2

    code, _, err = shell(*command, "--name", "resnet8")
    assert code == 2
    assert "was trained on other classes (class 0, class 1, class 2, …)" in err


@pytest.mark.parametrize("named", ["", ".", "..", "/", "x" * 300])
def test_what_names_no_checkpoint_is_a_sentence(
    shell: Shell, folders: Path, tmp_path: Path, named: str
) -> None:
    code, _, err = shell(
        "predict", folders / "red" / "00.png", "--checkpoint", named, "--checkpoints", tmp_path
    )
    assert code == 2
    assert err.strip()
    assert "Traceback" not in err


def test_the_folder_one_stands_in_is_a_checkpoint(
    tmp_path: Path, make_checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(make_checkpoint("tiny", tmp_path))
    assert find_checkpoint(".").name == "tiny"


def test_what_int8_does_not_know_is_said_before_images_are_read(
    shell: Shell, tmp_path: Path, make_checkpoint
) -> None:
    make_checkpoint("experts", tmp_path, model="moe_vit")
    code, _, err = shell(
        "quantise", "experts", "--checkpoints", tmp_path, "--data", tmp_path / "none"
    )
    assert code == 2
    assert "The engine int8 knows the layers of ResNet and DenseNet" in err


def test_evaluate_writes_into_the_checkpoint_only_what_it_was_tested_on(
    shell: Shell, folders: Path, tmp_path: Path, make_checkpoint
) -> None:
    images = load_images(folders, "test", image_size=16)
    data = DataNote(
        name="mine", train_images=1, validation_images=1, test_images=len(images),
        train_sha256="0" * 64, test_sha256=images.sha256,
    )  # fmt: skip
    names = (*CLASSES, "x", "y")
    make_checkpoint("tiny", tmp_path, class_names=names)
    command = ("evaluate", "tiny", "--checkpoints", tmp_path, "--data", folders, "--threads", 1)
    code, _, err = shell(*command, "--write")
    assert code == 2
    assert "classes that are not" in err
    shape = {"num_classes": 6, "image_size": 16, "widths": (4, 4, 8), "num_branches": 4, "k": 2}
    kinds = {"shape": shape, "class_names": CLASSES, "subtask_of_class": (0, 1, 2, 3, 0, 1)}
    make_checkpoint("tiny", tmp_path, **kinds)
    code, _, err = shell(*command, "--write")
    assert code == 2
    assert "--write needs the images that tiny was tested on" in err
    folder = make_checkpoint("tiny", tmp_path, **kinds, data=data)
    weights = (folder / "model.safetensors").read_bytes()
    said = shell.json(*command, "--write")
    card = read_card(folder / "card.json")
    assert card.test.images == len(images)
    assert card.test.top1 == said["top1"]
    assert card.test.top1_perfect_gate_by_k[1] == said["top1_perfect_gate"]
    assert (folder / "model.safetensors").read_bytes() == weights
    log = read_route_log(folder / "routes.parquet")
    assert log.label.tolist() == images.labels.tolist()
    assert log.correct_subtask_first is not None
