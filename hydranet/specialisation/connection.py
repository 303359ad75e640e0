"""A DuckDB in memory that can read the files it was given, and nothing else."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import duckdb
from numpy.typing import NDArray

from hydranet.errors import InputError, one_line

MEMORY = "1GB"
_THREADS = 2


def connect(files: Sequence[Path] = (), *, in_order: bool = False) -> duckdb.DuckDBPyConnection:
    """A fresh database in memory. It may read `files`; every other file, the network, extensions
    and its own settings are out of reach. Read them by `ROWS`.
    `in_order`: rows come as they stand in a file, which takes more memory."""
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": min(_THREADS, os.cpu_count() or 1),
            "memory_limit": MEMORY,
            "preserve_insertion_order": in_order,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "temp_directory": "",
        },
    )
    # DuckDB looks up both the pattern and the file that it found by it.
    named = {name for path in files for name in (str(path.absolute()), parameter(path))}
    quoted = ", ".join("'" + name.replace("'", "''") + "'" for name in sorted(named))
    connection.execute(f"SET allowed_paths = [{quoted}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET lock_configuration = true")
    return connection


ROWS = "read_parquet(?, hive_partitioning = false)"
"""The rows of a file, `parameter` of its path. No name of a folder above it becomes a column."""


def parameter(path: Path) -> str:
    """A file's path for `ROWS`, taken as it is: what means something in a pattern stands in
    brackets, where it means itself."""
    return re.sub(r"[\[*?]", r"[\g<0>]", str(path.absolute()))


def columns(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] = ()
) -> dict[str, NDArray[Any]]:
    """What a query gives, a NumPy array a column, masked where values are missing."""
    found = connection.execute(sql, list(parameters)).fetchnumpy()
    return cast("dict[str, NDArray[Any]]", found)  # no column is an enumeration


@contextmanager
def sentences(path: Path) -> Iterator[None]:
    """What DuckDB cannot do with a file, as a sentence."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise InputError(
            f"The route log {path.name} needs more than {MEMORY} of memory. Give fewer rows."
        ) from None
    except duckdb.Error as error:
        first = one_line(str(error).splitlines()[0])
        raise InputError(f"The route log {path.name} cannot be read: {first}") from None
    except UnicodeDecodeError:
        raise InputError(f"The route log {path.name} cannot be read: it is damaged.") from None
