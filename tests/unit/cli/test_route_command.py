"""`hydranet route`: parts that go on, a route log, and what is refused before routing."""

from __future__ import annotations

from pathlib import Path

import pytest
from shell import Shell

from hydranet.evaluation.route_log import read_route_log


def test_route_answers_the_readable_and_says_why_not_the_rest(
    shell: Shell, folders: Path, tmp_path: Path, make_checkpoint
) -> None:
    make_checkpoint("tiny", tmp_path)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    command = (
        "route", folders, tmp_path / "bad.png", "--checkpoint", "tiny", "--checkpoints", tmp_path,
        "--out", tmp_path / "out", "--threads", 1, "--part", 50, "--k", 3,
    )  # fmt: skip
    code, out, err = shell(*command)
    assert code == 0
    assert "121 images in 3 parts, 1 of them rejected" in out
    assert "bad.png: It must be a PNG" in err
    again = shell.json(*command)
    assert (again["images"], again["rejected"], again["images_now"]) == (121, 1, 0)
    assert again["mean_branches"] == 3
    code, out, err = shell(*command[:-1], 2)
    assert (code, out) == (2, "")
    assert "other settings" in err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{tmp}/missing", "no file or folder"),
        ("{tmp}/empty", "at least one image"),
        ("{tmp}/x.png", "None"),
    ],
)
def test_route_of_nothing_is_a_sentence_and_exit_code_2(
    shell: Shell, tmp_path: Path, make_checkpoint, given: str, said: str
) -> None:
    make_checkpoint("tiny", tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.png").write_bytes(b"")
    code, _, err = shell(
        "route", given.format(tmp=tmp_path), "--checkpoint", "tiny", "--checkpoints", tmp_path,
        "--out", tmp_path / "out", "--threads", 1,
    )  # fmt: skip
    assert code == 2
    assert said in err
    assert "Traceback" not in err


def test_route_writes_a_route_log_of_labelled_images(
    shell: Shell, folders: Path, tmp_path: Path, make_checkpoint
) -> None:
    make_checkpoint("tiny", tmp_path, class_names=("Red", "blue", *"cdefg", "yellow"))
    command = (
        "route", folders, "--checkpoint", "tiny", "--checkpoints", tmp_path, "--threads", 1,
        "--log", tmp_path / "log",
    )  # fmt: skip
    said = shell.json(*command)
    assert (said["images"], said["judged"], said["rejected"]) == (120, 60, 0)
    assert said["labels"][0].startswith("3 of 6 labels are names of classes of tiny")
    log = read_route_log(tmp_path / "log" / "routes.parquet")
    assert sorted(set(log.label.tolist())) == [0, 1, 7]
    assert said["top1"] == pytest.approx(100 * (log.label == log.prediction).mean(), abs=0.01)
    assert log.index is not None
    assert (tmp_path / "log" / "class_features.parquet").is_file()
    assert "top-1" in shell(*command)[1]
    for wrong, why in (
        (("--k", 2), "has every k"),
        (("--out", tmp_path / "x"), "not both"),
        (("--engine", "int8"), "--engine does not go with --log"),
        (("--part", 7), "--part does not go with --log"),
    ):
        code, _, err = shell(*command, *wrong)
        assert code == 2
        assert why in err


def test_a_route_log_takes_no_checkpoints_place_and_is_not_made_for_nothing(
    shell: Shell, folders: Path, tmp_path: Path, make_checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = make_checkpoint("tiny", tmp_path, class_names=("red", "blue", *"cdefgh"))
    before = {path.name: path.read_bytes() for path in tiny.iterdir()}
    (tmp_path / "file").write_text("no folder")

    def route_nothing(*_: object) -> None:
        raise AssertionError("images were routed")

    monkeypatch.setattr("hydranet.bulk.labelled.LabelledRun.__init__", route_nothing)
    for folder, why in ((tiny, "is a checkpoint"), (tmp_path / "file", "can be written to")):
        code, _, err = shell(
            "route", folders, "--checkpoint", "tiny", "--checkpoints", tmp_path, "--log", folder
        )
        assert code == 2
        assert why in err
    assert {path.name: path.read_bytes() for path in tiny.iterdir()} == before
