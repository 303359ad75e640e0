"""Route logs: read as written, and refused in a sentence where they are not route logs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hydranet.errors import InputError
from hydranet.evaluation.route_log import RouteLog, read_route_log, write_route_log

COUNT = 7


def make_log(*, hydra: bool) -> RouteLog:
    rng = np.random.default_rng(0)
    parts: dict[str, Any] = {}
    if hydra:
        parts = {
            "gate_scores": rng.normal(size=(COUNT, 4)).astype(np.float16),
            "fired": rng.integers(0, 4, (COUNT, 2)).astype(np.int16),
            "correct_by_k": rng.random((COUNT, 4)) < 0.5,
            "correct_with_subtask": rng.random((COUNT, 4)) < 0.5,
            "correct_subtask_first": rng.random((COUNT, 4)) < 0.5,
        }
    return RouteLog(
        rng.integers(0, 9, COUNT).astype(np.int32), rng.integers(0, 9, COUNT).astype(np.int32),
        rng.random(COUNT).astype(np.float16), **parts,
    )  # fmt: skip


@pytest.mark.parametrize("hydra", [True, False])
def test_round_trip(tmp_path: Path, hydra: bool) -> None:
    log = make_log(hydra=hydra)
    write_route_log(tmp_path / "routes.parquet", log)
    again = read_route_log(tmp_path / "routes.parquet")
    for name, values in vars(log).items():
        found = getattr(again, name)
        if values is None:
            assert found is None
        else:
            assert np.array_equal(found, values), name
            assert found.dtype == values.dtype, name
    assert len(again) == COUNT
    assert pq.read_table(tmp_path / "routes.parquet")["index"].to_pylist() == list(range(COUNT))


def test_places_in_a_data_set_are_kept(tmp_path: Path) -> None:
    index = np.array([9, 2, 4, 5, 6, 7, 8], np.int32)
    write_route_log(tmp_path / "log", replace(make_log(hydra=False), index=index))
    again = read_route_log(tmp_path / "log").index
    assert again is not None
    assert again.tolist() == index.tolist()


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.parquet cannot be read"):
        read_route_log(tmp_path / "nothing.parquet")


def test_a_truncated_file(tmp_path: Path) -> None:
    path = tmp_path / "routes.parquet"
    write_route_log(path, make_log(hydra=True))
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(InputError, match="cannot be read"):
        read_route_log(path)


def test_a_missing_column(tmp_path: Path) -> None:
    pq.write_table(pa.table({"index": [0], "label": [1]}), tmp_path / "routes.parquet")
    with pytest.raises(InputError, match="needs a column prediction, but has index, label"):
        read_route_log(tmp_path / "routes.parquet")


def test_lists_of_different_lengths(tmp_path: Path) -> None:
    columns = {name: [0, 0] for name in ("index", "label", "prediction", "confidence")}
    table = pa.table({**columns, "fired": [[1], [1, 2]]})
    pq.write_table(table, tmp_path / "routes.parquet")
    with pytest.raises(InputError, match=r"column fired .* one fixed length"):
        read_route_log(tmp_path / "routes.parquet")
