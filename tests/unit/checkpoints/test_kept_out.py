"""Checkpoints of which the card is here and the weights are not: they compare, but do not run."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.comparing.rows import entries
from hydranet.checkpoints import (
    CHECKPOINTS,
    KEPT_OUT,
    WEIGHTS,
    find_checkpoint,
    list_checkpoints,
    list_kept_out,
)
from hydranet.errors import InputError
from tests.conftest import MakeCheckpoint


@pytest.fixture
def root(tmp_path: Path, make_checkpoint: MakeCheckpoint) -> Path:
    """One that is whole, one kept out, and one whose weights were lost."""
    for name in ("whole", "large", "lost"):
        make_checkpoint(name, tmp_path)
    (tmp_path / "lost" / WEIGHTS).unlink()
    (tmp_path / "large" / WEIGHTS).rename(tmp_path / "elsewhere")
    (tmp_path / "large" / KEPT_OUT).write_text("Too large.\nTrain it  again.")
    return tmp_path


def test_it_is_neither_listed_nor_damaged(root: Path) -> None:
    good, damaged = list_checkpoints(root)
    assert [checkpoint.name for checkpoint in good] == ["whole"]
    assert [checkpoint.name for checkpoint in damaged] == ["lost"]
    assert [checkpoint.name for checkpoint in list_kept_out(root)] == ["large"]


def test_who_asks_for_it_reads_what_makes_it(root: Path) -> None:
    with pytest.raises(
        InputError, match=r"The weights of large are not here\. Too large\. Train it again\."
    ):
        find_checkpoint("large", root)
    with pytest.raises(InputError, match="is missing"):
        find_checkpoint("lost", root)


def test_with_its_weights_it_is_as_any_other(root: Path) -> None:
    (root / "elsewhere").rename(root / "large" / WEIGHTS)
    assert list_kept_out(root) == []
    assert [checkpoint.name for checkpoint in list_checkpoints(root)[0]] == ["large", "whole"]


def test_a_card_that_cannot_be_read_tells_nothing(root: Path) -> None:
    (root / "large" / "card.json").write_text("{")
    assert list_kept_out(root) == []


def test_ours_stand_on_the_chart_without_the_size_of_their_file() -> None:
    kept_out = list_kept_out(CHECKPOINTS)
    assert kept_out, "resnet20x4 is"
    for row in entries(kept_out, []):
        assert row.stored_mb is None
        assert "lacks its weights" in row.source
        assert row.ours
