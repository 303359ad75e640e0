"""Which logs are taken, which are refused in a sentence, and what a table cannot reach."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hydranet.errors import InputError
from hydranet.evaluation.route_log import RouteLog, write_route_log
from hydranet.specialisation import (
    CIFAR100,
    Slice,
    compare_logs,
    confusion,
    findings,
    firing_share,
    gate_by_k,
    open_route_table,
    perfect_gate,
    reliability,
    score_map,
    slice_figures,
    slice_page,
    superclass_of_names,
)

LABEL = np.array([0, 1, 2, 0], np.int32)
STATIC = RouteLog(LABEL, np.array([0, 1, 1, 0], np.int32), np.full(4, 0.5, np.float16))
# A multi-head network: no gate scores, both heads run.
HEADS = RouteLog(
    STATIC.label, STATIC.prediction, STATIC.confidence, np.zeros((4, 2), np.float16),
    np.tile(np.array([0, 1], np.int16), (4, 1)),
    np.array([[1, 1], [0, 1], [0, 0], [1, 1]], bool),
)  # fmt: skip


def write(path: Path, log: RouteLog, **changes: object) -> Path:
    """A log with columns replaced; None takes a column out."""
    write_route_log(path, log)
    table = pq.read_table(path)
    columns = {name: table[name] for name in table.column_names} | changes
    pq.write_table(pa.table({n: c for n, c in columns.items() if c is not None}), path)
    return path


def test_a_static_network_has_answers_but_no_routes(tmp_path: Path) -> None:
    table = open_route_table(
        write(tmp_path / "log", STATIC), num_classes=3, subtask_of_class=[0, 1, 1]
    )
    assert table.subtask_of_class is None
    assert confusion(table).counts.sum() == 4
    assert confusion(table).inside is None
    assert reliability(table, "answer").ece == pytest.approx(0.25)
    assert score_map(table) is None
    found = slice_figures(table, Slice(correct=False))
    assert (found.images, found.hit, found.margin, found.load) == (1, None, None, None)
    assert slice_page(table, Slice(), first=0, count=9).column_names == [
        "index", "label", "prediction", "confidence",
    ]  # fmt: skip
    with pytest.raises(InputError, match="no branches"):
        slice_figures(table, Slice(branch=0))


def test_heads_without_subtasks(tmp_path: Path) -> None:
    table = open_route_table(write(tmp_path / "log", HEADS), num_classes=3)
    assert np.array_equal(firing_share(table), np.ones((3, 2)))
    assert findings(table).even == 1
    found = gate_by_k(table)
    assert found.right.tolist() == [0.5, 0.75]
    assert found.hit is None
    assert perfect_gate(table) is None
    assert slice_figures(table, Slice()).margin is None
    with pytest.raises(ValueError, match="subtasks"):
        reliability(table, "gate")


def test_a_table_reaches_no_file_and_no_setting(tmp_path: Path) -> None:
    log = write(tmp_path / "log", STATIC)
    write(tmp_path / "other", STATIC)
    table = open_route_table(log, num_classes=3)
    for sql in (
        f"SELECT * FROM read_parquet('{tmp_path / 'other'}')",
        f"COPY images TO '{tmp_path / 'out.csv'}'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "SELECT * FROM read_csv('https://example.org/a.csv')",
    ):
        with pytest.raises(duckdb.Error):
            table.columns(sql)
    assert not (tmp_path / "out.csv").exists()


def flat(*values: float) -> pa.Array:
    return pa.array(values)


REFUSED = {
    "needs a column label": {"label": None},
    "column label .* must hold a whole number": {"label": flat(0.5, 1, 2, 0)},
    "speaks of class 7": {"label": flat(0, 7, 2, 0)},
    "speaks of class -1": {"prediction": flat(0, -1, 2, 0)},
    "must give every image a label": {"prediction": pa.array([0, None, 2, 0])},
    "a confidence from 0 to 1": {"confidence": flat(0.5, 1.5, 0.5, 0.5)},
    "no correct_by_k": {"correct_by_k": None},
    "lists of one fixed length": {"fired": pa.array([[0], [0, 1], [1], [1]])},
    "different fired branches from 0 to 1": {
        "fired": pa.FixedSizeListArray.from_arrays(pa.array([0, 0] * 4, pa.int16()), 2)
    },
    "an entry for each of 2 branches": {
        "correct_with_subtask": pa.FixedSizeListArray.from_arrays(pa.array([True] * 12), 3)
    },
    "at most so many in fired": {
        "fired": pa.FixedSizeListArray.from_arrays(pa.array([0, 1, 0] * 4, pa.int16()), 3)
    },
}


@pytest.mark.parametrize("sentence", list(REFUSED))
def test_what_is_no_route_log_is_refused(tmp_path: Path, sentence: str) -> None:
    path = write(tmp_path / "log.parquet", HEADS, **REFUSED[sentence])
    with pytest.raises(InputError, match=sentence):
        open_route_table(path, num_classes=3)


def test_a_log_from_before_better_gates_has_bounds(tmp_path: Path) -> None:
    table = open_route_table(
        write(tmp_path / "log", HEADS), num_classes=3, subtask_of_class=[0, 1, 1]
    )
    found = perfect_gate(table)
    assert found is not None
    assert found.right is found.swapped is None
    assert 0 <= found.least <= found.most <= 1


def test_half_of_what_a_better_gate_says_is_refused(tmp_path: Path) -> None:
    holes = pa.FixedSizeListArray.from_arrays(pa.array([True, None] * 4), 2)
    better = {name: holes for name in ("correct_with_subtask", "correct_subtask_first")}
    path = write(tmp_path / "log", HEADS, **better)
    with pytest.raises(InputError, match="whether a better gate"):
        open_route_table(path, num_classes=3, subtask_of_class=[0, 1, 1])
    assert perfect_gate(open_route_table(path, num_classes=3)) is None


@pytest.mark.parametrize("value", [-1, 9, 64, 200])
def test_a_branch_that_is_not_there_is_refused(tmp_path: Path, value: int) -> None:
    fired = pa.FixedSizeListArray.from_arrays(pa.array([0, value] * 4, pa.int16()), 2)
    path = write(tmp_path / "log.parquet", HEADS, fired=fired)
    with pytest.raises(InputError, match=r"log\.parquet"):
        open_route_table(path, num_classes=3)


def test_other_files_and_other_networks_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no Parquet")
    with pytest.raises(InputError, match="cannot be read"):
        open_route_table(tmp_path / "text", num_classes=3)
    with pytest.raises(InputError, match="cannot be read"):
        open_route_table(tmp_path / "nothing", num_classes=3)
    log = write(tmp_path / "log", HEADS)
    with pytest.raises(InputError, match="Choose the network"):
        open_route_table(log, num_classes=3, subtask_of_class=[0, 1, 2])
    empty = pq.read_table(log).slice(0, 0)
    pq.write_table(empty, tmp_path / "empty")
    with pytest.raises(InputError, match="holds no image"):
        open_route_table(tmp_path / "empty", num_classes=3)


def test_logs_of_other_images_are_not_compared(tmp_path: Path) -> None:
    log = write(tmp_path / "log", STATIC)
    other = write(tmp_path / "other", STATIC, label=flat(1, 1, 2, 0))
    with pytest.raises(InputError, match="must be of the same images: they hold 4 and 4, 3 of"):
        compare_logs(log, other, num_classes=3)
    twice = write(tmp_path / "twice", STATIC, index=flat(0, 0, 1, 2))
    with pytest.raises(InputError, match="same images"):
        compare_logs(log, twice, num_classes=3)


@pytest.mark.parametrize(
    "folder", ["run[1]", "a*b", "what?", "label=2", "prediction=0", "it's", "[[x]", "fired=1"]
)
def test_the_folder_that_a_log_lies_in_means_nothing(tmp_path: Path, folder: str) -> None:
    """Neither a pattern nor, as in a data set of Hive partitions, a column."""
    places = [tmp_path / name / "routes.parquet" for name in (folder, "run1", "ab", "whatX", "x")]
    for place in places:
        place.parent.mkdir(exist_ok=True)
    wrong = RouteLog(LABEL, (LABEL + 1) % 3, STATIC.confidence)
    write(places[0], STATIC)
    for place in places[1:]:
        write(place, wrong)
    table = open_route_table(places[0], num_classes=3)
    expected = np.zeros((3, 3), int)
    np.add.at(expected, (STATIC.label, STATIC.prediction), 1)
    assert np.array_equal(confusion(table).counts, expected)
    found = compare_logs(places[0], places[1], num_classes=3)
    right = int((STATIC.label == STATIC.prediction).sum())
    assert (found.only_first.sum(), found.both.sum()) == (right, 0)


def test_superclasses_are_known_by_name() -> None:
    names = [name for group in CIFAR100.values() for name in group.split()]
    assert len(set(names)) == 100
    groups = superclass_of_names(names)
    assert groups is not None
    assert groups[names.index("seal")] == "aquatic mammals"
    assert superclass_of_names(names[:99]) is None
