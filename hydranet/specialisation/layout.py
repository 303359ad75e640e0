"""What columns a route log has, checked from the file's schema before a row is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from hydranet.errors import InputError, one_line
from hydranet.intake.parquet_bounds import BOUNDS

MOST_BRANCHES = 64
"""A route is kept as the bits of one 64-bit number."""

_NUMBERS = {"index": "whole number", "label": "whole number", "prediction": "whole number",
            "confidence": "number"}  # fmt: skip
_LISTS = ("gate_scores", "fired", "correct_by_k")
BETTER_GATES = ("correct_with_subtask", "correct_subtask_first")
"""Columns that only newer logs have, see `hydranet.evaluation.route_log`: all of them or none."""


@dataclass(frozen=True)
class Layout:
    """`rows` images; N branches, 0 for a static network; k of them fired in the log;
    `better_gates`: whether it has the columns `BETTER_GATES`."""

    rows: int
    num_branches: int
    k: int
    better_gates: bool = False


def read_layout(path: Path) -> Layout:
    """The layout of the log in the file `path`.

    Raises:
        InputError: it is no Parquet file, or lacks a column, or one is of another kind.
    """
    try:
        return _layout(path)
    except InputError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:  # ValueError: names that are no text
        raise InputError(f"The route log {path.name} cannot be read: {one_line(error)}") from None


def _layout(path: Path) -> Layout:
    with pq.ParquetFile(path, **BOUNDS) as file:
        schema, metadata = file.schema_arrow, file.metadata
    rows = metadata.num_rows
    for name, kind in _NUMBERS.items():
        if name not in schema.names:
            raise InputError(
                f"The route log {path.name} needs a column {name}, but has "
                f"{one_line(', '.join(schema.names))}."
            )
        found = schema.field(name).type
        fits = pa.types.is_integer(found) or (kind == "number" and pa.types.is_floating(found))
        if not fits:
            raise InputError(
                f"The column {name} of the route log {path.name} must hold a {kind} for each "
                f"image, not {one_line(found)}."
            )
    if rows < 1:
        raise InputError(f"The route log {path.name} holds no image.")
    widths = {name: _width(schema, name, path) for name in _LISTS if name in schema.names}
    _check_counts(metadata, widths, path)
    if not widths:
        return Layout(rows, 0, 0)
    if missing := [name for name in _LISTS if name not in widths]:
        raise InputError(
            f"The route log {path.name} has {', '.join(widths)} but no {missing[0]}; a dynamic "
            "network's log needs all three."
        )
    branches, k = widths["gate_scores"], widths["fired"]
    if widths["correct_by_k"] != branches or not 1 <= k <= branches:
        raise InputError(
            f"The route log {path.name} must have as many entries in correct_by_k as in "
            f"gate_scores, and at most so many in fired, not {widths['correct_by_k']}, {branches} "
            f"and {k}."
        )
    if branches > MOST_BRANCHES:
        raise InputError(
            f"The route log {path.name} has {branches} branches; at most {MOST_BRANCHES} can be "
            "shown."
        )
    return Layout(rows, branches, k, _has_better_gates(schema, branches, path))


def _has_better_gates(schema: pa.Schema, branches: int, path: Path) -> bool:
    there = [name for name in BETTER_GATES if name in schema.names]
    for name in there:
        if (width := _width(schema, name, path)) != branches:
            raise InputError(
                f"The column {name} of the route log {path.name} must have an entry for each of "
                f"{branches} branches, not {width}."
            )
    return len(there) == len(BETTER_GATES)


def _check_counts(metadata: pq.FileMetaData, widths: dict[str, int], path: Path) -> None:
    """Raise InputError where a column says that it holds more values than its lists can have.

    The schema may promise lists of two, and 8 kB of file hold one list of a thousand million.
    """
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            name = column.path_in_schema.partition(".")[0]
            if name in (*_NUMBERS, *widths) and (
                column.num_values != group.num_rows * widths.get(name, 1)
            ):
                raise InputError(
                    f"The column {name} of the route log {path.name} must hold as many values in "
                    f"every row, {widths.get(name, 1)}, but it holds {column.num_values:,} in "
                    f"{group.num_rows:,} rows."
                )


def _width(schema: pa.Schema, name: str, path: Path) -> int:
    found = schema.field(name).type
    element = found.value_type if pa.types.is_fixed_size_list(found) else None
    if element is None or not (
        pa.types.is_boolean(element)
        if name.startswith("correct")
        else pa.types.is_integer(element)
        or (name == "gate_scores" and pa.types.is_floating(element))
    ):
        raise InputError(
            f"The column {name} of the route log {path.name} must hold lists of one fixed "
            f"length, not {one_line(found)}."
        )
    return int(found.list_size)
