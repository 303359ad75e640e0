"""The images of a slice as files."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from app import datasets
from app.datasets import DataSet
from app.slice_files import as_csv, as_parquet
from hydranet.checkpoints import Checkpoint
from hydranet.evaluation.route_log import RouteLog, read_route_log
from hydranet.specialisation import Slice


@pytest.fixture
def checkpoint(tmp_path: Path, make_checkpoint: Callable[..., Path]) -> Checkpoint:
    from hydranet.checkpoints import find_checkpoint

    names = ("=1+1", *(f"class {c}" for c in range(1, 8)))
    make_checkpoint("hydra", tmp_path, class_names=names)
    return find_checkpoint("hydra", tmp_path)


def open_both(checkpoint: Checkpoint) -> tuple[DataSet, RouteLog]:
    return datasets.of_checkpoint(checkpoint), read_route_log(checkpoint.folder / "routes.parquet")


def test_both_files_hold_the_slice(checkpoint: Checkpoint) -> None:
    data, log = open_both(checkpoint)
    inside = np.flatnonzero(log.label != log.prediction)
    table = pq.read_table(io.BytesIO(as_parquet(data, Slice(correct=False)))).to_pydict()
    assert table["index"] == inside.tolist()
    assert table["class"] == [data.class_names[c] for c in log.label[inside]]
    assert log.fired is not None
    assert table["fired"] == [sorted(log.fired[i].tolist()) for i in inside]
    rows = list(csv.DictReader(io.StringIO(as_csv(data, Slice(correct=False)).decode())))
    assert [int(row["index"]) for row in rows] == inside.tolist()
    assert [row["fired"] for row in rows] == [" ".join(map(str, f)) for f in table["fired"]]
    assert [float(row["margin"]) for row in rows] == pytest.approx(table["margin"], rel=1e-5)


def test_no_name_is_a_formula(checkpoint: Checkpoint) -> None:
    data, _ = open_both(checkpoint)
    text = as_csv(data, Slice(label=0)).decode()
    assert "'=1+1" in text
    assert '"=1+1"' not in text


def test_a_static_network_has_no_routes_in_its_files(
    tmp_path: Path, make_checkpoint: Callable[..., Path]
) -> None:
    from hydranet.checkpoints import find_checkpoint

    make_checkpoint("static", tmp_path, model="resnet8")
    data = datasets.of_checkpoint(find_checkpoint("static", tmp_path))
    header = as_csv(data, Slice()).decode().splitlines()[0]
    assert header == '"index","label","prediction","confidence","class","answer"'
    assert replace(data, own="x").own == "x"
