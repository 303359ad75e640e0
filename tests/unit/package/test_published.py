"""The published figures: all of them, as they stand, and nothing that does not fit."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import hydranet.published
from hydranet.errors import InputError
from hydranet.published import PROVENANCES, published_results, read_published

HEADER = "model,family,dynamic,params_m,macs_m,top1,provenance,source\n"
GOOD = "Net,resnet,no,0.1,10,50,reported,a paper"


def test_every_row_of_the_table_is_read() -> None:
    table = Path(hydranet.published.__file__).with_name("published.csv")
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    results = published_results()
    assert [r.model for r in results] == [row["model"] for row in rows]
    assert [r.top1 for r in results] == [float(row["top1"]) for row in rows]
    assert {r.provenance for r in results} == set(PROVENANCES)


def test_names_are_unique() -> None:
    names = [r.model for r in published_results()]
    assert len(set(names)) == len(names)


def test_a_missing_parameter_count_is_none_and_not_zero() -> None:
    by_name = {r.model: r for r in published_results()}
    assert by_name["MSDNet (budgeted)"].params_m is None
    assert by_name["Hydra-Res-d1"].params_m == 1.28
    assert by_name["Hydra-Res-d1"].dynamic
    assert not by_name["ResNet-14"].dynamic


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (GOOD.replace("reported", "guessed"), "provenance must be one of reported, digitised"),
        (GOOD.replace(",no,", ",maybe,"), "dynamic must be yes or no"),
        (GOOD.replace(",10,", ",ten,"), "macs_m must be a number"),
        (GOOD.replace(",10,", ",nan,"), "must be positive"),
        (GOOD.replace(",0.1,", ",-1,"), "must be positive"),
        (GOOD.replace(",50,", ",150,"), "top-1 must be 0 to 100"),
        (GOOD.replace("a paper", ""), "needs a model, a family and a source"),
        ("Net,resnet,no", "8 cells"),
        (GOOD + ",more", "8 cells"),
    ],
)
def test_a_row_that_does_not_fit_is_named(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(HEADER + GOOD + "\n" + row + "\n")
    with pytest.raises(InputError, match=f"line 3: .*{message}"):
        read_published(path)


def test_other_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("model,top1\nNet,50\n")
    with pytest.raises(InputError, match="must have the columns"):
        read_published(path)
