"""A route log as a table in memory: a few numbers an image, a route as the bits of one number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hydranet.errors import InputError
from hydranet.specialisation import loading
from hydranet.specialisation.connection import columns, connect, sentences
from hydranet.specialisation.layout import read_layout


class RouteTable:
    """M images through one network, ready to be asked; safe to share between threads.

    `num_branches` (N) and `k` are 0 for a static network. `subtask_of_class`: None where branches
    have no subtasks. `better_gates`: whether the log says what a better gate would be worth. Its
    tables are described in `loading`.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        *,
        rows: int,
        num_classes: int,
        num_branches: int,
        k: int,
        subtask_of_class: tuple[int, ...] | None,
        better_gates: bool,
    ) -> None:
        self._connection = connection
        self.rows, self.num_classes = rows, num_classes
        self.num_branches, self.k = num_branches, k
        self.subtask_of_class = subtask_of_class
        self.better_gates = better_gates

    def columns(self, sql: str, parameters: Sequence[object] = ()) -> dict[str, NDArray[Any]]:
        """What a query gives, a NumPy array a column."""
        return columns(self._connection.cursor(), sql, parameters)

    def arrow(self, sql: str, parameters: Sequence[object] = ()) -> pa.Table:
        """What a query gives, as an Arrow table."""
        return self._connection.cursor().sql(sql, params=list(parameters)).to_arrow_table()

    def close(self) -> None:
        """Free the memory."""
        self._connection.close()


def open_route_table(
    path: Path,
    *,
    num_classes: int,
    subtask_of_class: Sequence[int] | None = None,
    most_rows: int | None = None,
    fewer: bool = False,
) -> RouteTable:
    """Read the route log in the file `path`. It is not needed afterwards.

    `subtask_of_class`: the branch meant for each class; left aside where the log has no branches.
    `most_rows`: what a stranger may ask to be read. `fewer`: whether images may run fewer branches
    than others, as those of a network whose branches stand in a row.

    Raises:
        InputError: the file is no route log, one of another number of classes or branches, or too
            long.
    """
    layout = read_layout(path)
    if most_rows is not None and layout.rows > most_rows:
        raise InputError(
            f"The route log {path.name} holds {layout.rows:,} images; at most {most_rows:,} are "
            "taken. Give a part of it."
        )
    branches = layout.num_branches
    subtasks = tuple(int(s) for s in subtask_of_class or ()) if branches else ()
    if subtasks and (
        len(subtasks) != num_classes or not all(0 <= subtask < branches for subtask in subtasks)
    ):
        raise InputError(
            f"The route log {path.name} has {branches} branches, which are not those of subtasks "
            f"for {num_classes} classes. Choose the network that it came from."
        )
    connection = connect([path])
    with sentences(path):
        loading.load(connection, path, layout, num_classes, subtasks)
    table = RouteTable(
        connection,
        rows=layout.rows,
        num_classes=num_classes,
        num_branches=branches,
        k=layout.k,
        subtask_of_class=subtasks or None,
        better_gates=layout.better_gates and bool(subtasks),
    )
    _check(table, path, "ran" if fewer else str(table.k))
    return table


def _check(table: RouteTable, path: Path, fired: str) -> None:
    """Raise InputError where a value cannot be what its column says; `fired`: how many branches
    must have, in SQL."""
    found = table.columns(
        "SELECT min(least(label, prediction)) AS low, max(greatest(label, prediction)) AS high,"
        " count(*) - count(label + prediction + confidence) AS missing,"
        " count(*) FILTER (NOT confidence BETWEEN 0 AND 1) AS odd, count(*) AS rows FROM images"
    )
    low, high, missing, odd, rows = (np.ma.filled(found[name], -1)[0] for name in found)
    if missing or odd or rows != table.rows:
        raise InputError(
            f"The route log {path.name} must give every image a label, a prediction and a "
            "confidence from 0 to 1."
        )
    if low < 0 or high >= table.num_classes:
        raise InputError(
            f"The route log {path.name} speaks of class {int(low if low < 0 else high)}, but the "
            f"network has classes 0 to {table.num_classes - 1}. Choose the network that it came "
            "from."
        )
    if not table.num_branches:
        return
    bad = table.columns(
        f"SELECT count(*) AS n FROM images WHERE fired IS NULL OR bit_count(fired) <> {fired} OR "
        "fired = 0 OR fired >> ? > 1 OR right_by_k IS NULL OR gate_confidence IS NULL OR "
        "isnan(gate_confidence)",
        [table.num_branches - 1],
    )["n"][0]
    if bad:
        raise InputError(
            f"The route log {path.name} must give every image {table.k} different fired branches "
            f"from 0 to {table.num_branches - 1} and a gate score and a verdict for each branch."
        )
    if (
        table.better_gates
        and table.columns("SELECT min(known) AS n FROM better_gates")["n"][0] < table.rows
    ):
        raise InputError(
            f"The route log {path.name} must say of every image and every k whether a better gate "
            "would be right, or of none."
        )
