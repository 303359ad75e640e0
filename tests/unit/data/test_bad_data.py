"""What is wrong with a data set or with what is asked of it is one sentence, before training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from data_sets import class_folders
from shell import Shell


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Shell:
    return Shell(monkeypatch, capsys)


def renamed(old: str, new: str) -> Callable[[Path], object]:
    return lambda folder: (folder / old).rename(folder / new)


def only_one(folder: Path) -> None:
    for name in ("bear", "cup"):
        for file in (folder / name).iterdir():
            file.unlink()
        (folder / name).rmdir()


def broken(folder: Path) -> None:
    (folder / "cup" / "3.PNG").write_bytes(b"no picture")


@pytest.mark.parametrize(
    ("spoil", "options", "sentence"),
    [
        (only_one, (), "at least two classes, but it holds 1."),
        (renamed("cup", "Apple"), (), "differ by case only: Apple and apple. Rename or join them."),
        (broken, (), "1 of 12 images cannot be read."),
        (
            renamed("cup", "x" * 101),
            (),
            "in at most 100 characters that can be printed",
        ),
        (renamed("cup", "c\tup"), (), "characters that can be printed, but one is"),
        (
            None,
            ("--branches", 2, "--k", 3),
            "k, with 2 branches, must be a whole number from",
        ),
        (None, ("--branches", 4), "with 3 classes there can be 1 to 3 branches, not 4."),
    ],
    ids=["one class", "case", "unreadable", "long", "unprintable", "k > N", "N > classes"],
)
def test_said_before_anything_is_trained(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[Path], object] | None, options: tuple[object, ...], sentence: str,
) -> None:  # fmt: skip
    class_folders(tmp_path / "data")
    if spoil is not None:
        spoil(tmp_path / "data")
    monkeypatch.setattr(
        "hydranet.training.job.train_model", lambda *_, **__: pytest.fail("too late")
    )
    code, out, err = shell(
        "train", "hydra_res_d1", "--data", tmp_path / "data", "--checkpoints", tmp_path / "zoo",
        "--runs", tmp_path / "runs", "--image-size", 8, *options,
    )  # fmt: skip
    assert (code, out) == (2, "")
    assert sentence in " ".join(err.split())
    assert not (tmp_path / "zoo").exists()
