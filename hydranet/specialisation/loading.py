"""From the Parquet file into tables of narrow columns, in one pass over the wide lists.

Lists of N numbers an image are what makes a log large and slow to ask. Each is reduced once, row by
row, to what the figures need of it:

`images`       index, label, prediction, confidence, correct; for a dynamic network `fired` (bit b:
               branch b fired), `ran` (how many did), `first` (the gate's first choice),
               `right_by_k` (bit k − 1: right with k branches), `gate_confidence` (softmax share of
               the first choice), `margin` (score of the last that fired less that of the first
               refused; NULL where all fire), `rank` (place of the label's subtask in the gate's
               order, from 1; NULL without subtasks)
`class_routes` images and right answers of each class on each route
`by_rank`      images of each rank, and how many are right with 1 to N branches
`class_scores` mean gate score of each branch for each class
`better_gates` a row for each column of `BETTER_GATES` that the log has: its `name`, `known` (images
               with a verdict for every k), and how many are right with 1 to N branches
`classes`      subtask of each class
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from hydranet.routing.arrays import PADDING
from hydranet.specialisation.connection import ROWS, parameter
from hydranet.specialisation.layout import BETTER_GATES, Layout


def load(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    layout: Layout,
    num_classes: int,
    subtasks: Sequence[int],
) -> None:
    """Make the tables; `subtasks` is empty where branches have none."""
    connection.execute("CREATE TABLE classes (label INTEGER, subtask INTEGER)")
    for label in range(num_classes):
        subtask = subtasks[label] if subtasks else None
        connection.execute("INSERT INTO classes VALUES (?, ?)", [label, subtask])
    columns = ["index", "label", "prediction", "confidence::FLOAT AS confidence",
               "label = prediction AS correct"]  # fmt: skip
    if layout.num_branches:
        columns += _routed(layout.num_branches, layout.k)
    connection.execute(
        f"CREATE TABLE images AS SELECT {', '.join(columns)} FROM {ROWS} "
        "LEFT JOIN classes USING (label)",
        [parameter(path)],
    )
    if layout.num_branches:
        _summarise(connection, path, layout)


def _routed(branches: int, k: int) -> list[str]:
    """SQL of the columns that a dynamic network has besides."""
    places = range(1, branches + 1)
    each = range(1, k + 1)
    fired = " | ".join(
        f"(CASE WHEN fired[{place}] = {PADDING} THEN 0 ELSE 1::UBIGINT << fired[{place}] END)"
        for place in each
    )
    ran = " + ".join(f"(fired[{place}] <> {PADDING})::UTINYINT" for place in each)
    right = " | ".join(f"(correct_by_k[{p}]::UBIGINT << {p - 1})" for p in places)
    exponentials = " + ".join(f"exp(gate_scores[{p}] - gate_scores[fired[1] + 1])" for p in places)
    own = "gate_scores[subtask + 1]"
    ahead = " + ".join(
        f"(gate_scores[{p}] > {own} OR (gate_scores[{p}] = {own} AND {p - 1} < subtask))::UTINYINT"
        for p in places
    )
    falling = "list_reverse_sort(gate_scores)"
    margin = f"({falling})[{k}] - ({falling})[{k + 1}]" if k < branches else "NULL"
    # Scores in the log are rounded, so ties are many: what fired says who came first among k.
    rank = f"coalesce(list_position(fired, subtask), greatest({k + 1}, 1 + {ahead}))"
    return [
        f"({fired})::UBIGINT AS fired",
        f"({ran})::UTINYINT AS ran",
        "fired[1]::UTINYINT AS first",
        f"({right})::UBIGINT AS right_by_k",
        f"(1 / ({exponentials}))::FLOAT AS gate_confidence",
        f"({margin})::FLOAT AS margin",
        f"(CASE WHEN subtask IS NOT NULL THEN {rank} END)::UTINYINT AS rank",
    ]


def _summarise(connection: duckdb.DuckDBPyConnection, path: Path, layout: Layout) -> None:
    """What several views ask for, aggregated once."""
    branches, file = layout.num_branches, parameter(path)
    connection.execute(
        "CREATE TABLE class_routes AS SELECT label, fired, count(*) AS n, "
        "count(*) FILTER (correct) AS right FROM images GROUP BY ALL"
    )
    sums = ", ".join(f"sum((right_by_k >> {bit}) & 1)::BIGINT AS right_{bit + 1}"
                     for bit in range(branches))  # fmt: skip
    connection.execute(
        "CREATE TABLE by_rank AS SELECT rank, count(*) AS n, "
        f"count(*) FILTER (right_by_k <> 0) AS right_ever, {sums} FROM images GROUP BY rank"
    )
    means = ", ".join(f"avg(gate_scores[{b + 1}]) AS score_{b}" for b in range(branches))
    connection.execute(
        f"CREATE TABLE class_scores AS SELECT label, {means} FROM {ROWS} GROUP BY label",
        [file],
    )
    if not layout.better_gates:
        return
    for number, name in enumerate(BETTER_GATES):
        every = " + ".join(f"{name}[{place}]::UTINYINT" for place in range(1, branches + 1))
        sums = ", ".join(f"count(*) FILTER ({name}[{place}]) AS right_{place}"
                         for place in range(1, branches + 1))  # fmt: skip
        row = f"SELECT '{name}' AS name, count({every}) AS known, {sums} FROM {ROWS}"
        into = "INSERT INTO better_gates" if number else "CREATE TABLE better_gates AS"
        connection.execute(f"{into} {row}", [file])
