"""Shards on the command line: made, trained on, evaluated; and what is said of bad ones."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from data_sets import class_folders, encoded, pictures, shards, spoil_images
from shell import Shell

from hydranet.checkpoints.card import read_card
from hydranet.data import load_images
from hydranet.data.shards.writing import write_shards
from hydranet.errors import InputError

QUICK = (
    "--epochs", 2, "--batch-size", 8, "--image-size", 8, "--compile", "off", "--threads", 1,
    "--precision", "float32", "--workers", 0,
)  # fmt: skip


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Shell:
    return Shell(monkeypatch, capsys)


def test_from_a_folder_over_shards_to_a_checkpoint(shell: Shell, tmp_path: Path) -> None:
    class_folders(tmp_path / "pictures", images=20)
    made = shell.json("shards", "--data", tmp_path / "pictures", "--out", tmp_path / "shards")
    assert made["splits"]["train"] == {"shards": 1, "images": 48}
    pattern = tmp_path / "shards" / "train-{000000..000000}.tar"
    root = ("--checkpoints", tmp_path / "zoo")
    trained = shell.json(
        "train", "hydra_res_d1", "--data", pattern, *root, "--runs", tmp_path / "runs", *QUICK
    )
    card = read_card(tmp_path / "zoo" / "hydra_res_d1" / "card.json")
    assert card.class_names == ("apple", "bear", "cup")
    assert (card.data.name, card.data.test_images) == ("shards", 12)
    assert card.data.train_images + card.data.validation_images == 48
    assert card.recipe.start == "resnet8", "trained on the way, for its features"
    test = load_images(tmp_path / "shards", "test", image_size=8)
    assert card.data.test_sha256 == test.sha256
    measured = shell.json(
        "evaluate", "hydra_res_d1", "--data", tmp_path / "shards", *root, "--write", "--workers", 0
    )
    assert measured["top1"] == trained["top1"]
    groups = shell.json("subtasks", "resnet8", "--data", tmp_path / "shards", *root)["subtasks"]
    assert sorted(name for group in groups for name in group) == ["apple", "bear", "cup"]


def test_a_second_data_set_takes_no_name_from_the_first(shell: Shell, tmp_path: Path) -> None:
    shards(tmp_path / "one")
    shards(tmp_path / "two")
    (tmp_path / "two" / "classnames.txt").write_text("x\ny\nz\n")
    for data in (tmp_path / "one", tmp_path / "two" / "train-{000000..000004}.tar"):
        shell.json(
            "train", "resnet8", "--data", data, "--checkpoints", tmp_path / "zoo",
            "--runs", tmp_path / "runs", *QUICK,
        )  # fmt: skip
    assert sorted(p.name for p in (tmp_path / "zoo").iterdir()) == ["resnet8", "resnet8-two"]


def test_what_is_wrong_is_said_before_training(shell: Shell, tmp_path: Path) -> None:
    def refused(*options: object, data: Path = tmp_path / "set") -> str:
        code, _, err = shell(
            "train", "resnet8", "--data", data, "--checkpoints", tmp_path / "zoo",
            "--runs", tmp_path / "runs", *QUICK, *options,
        )  # fmt: skip
        assert code == 2
        assert not (tmp_path / "runs").exists()
        assert not (tmp_path / "zoo").exists()
        return err

    shards(tmp_path / "set")
    spoil_images(tmp_path / "set")
    assert "2 of 22 images cannot be read" in refused("--validation-images", 1)
    assert "static network: it has no branches" in refused("--k", 2)
    missing = tmp_path / "set" / "train-{000000..000009}.tar"
    assert "All 10 shards must be there, but 5 are missing" in refused(data=missing)
    (tmp_path / "set" / "classnames.txt").write_text("apple\nbear\n")
    assert "The labels must lie in 0 to 1" in refused()
    assert "There is no folder" in refused(data=tmp_path / "nowhere")


@pytest.mark.parametrize("names", [["A", "a", "B"], ["cat ", "dog", "emu"], ["a\u2028b", "c", "d"]])
def test_names_that_a_list_of_lines_does_not_hold_are_refused_before_writing(
    tmp_path: Path, names: list[str]
) -> None:
    features = {"label": {"names": names, "_type": "ClassLabel"}}
    struct = pa.array([{"bytes": encoded(image)} for image in pictures(3)])
    table = pa.table({"img": struct, "label": [0, 1, 2]}).replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})}
    )
    (tmp_path / "data").mkdir()
    pq.write_table(table, tmp_path / "data" / "train.parquet")
    with pytest.raises(InputError, match=r"must (name each class differently|have a name on one)"):
        write_shards(tmp_path / "data", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_torchvisions_files_and_shards_are_not_made_into_shards(tmp_path: Path) -> None:
    (tmp_path / "cifar" / "cifar-100-python").mkdir(parents=True)
    with pytest.raises(InputError, match="holds the CIFAR files of torchvision"):
        write_shards(tmp_path / "cifar", tmp_path / "out")
    shards(tmp_path / "set")
    with pytest.raises(InputError, match="holds shards already"):
        write_shards(tmp_path / "set", tmp_path / "out")
