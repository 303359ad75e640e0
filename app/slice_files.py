"""The images of a slice as files. Draws nothing."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from app.datasets import DataSet
from app.spreadsheet import harmless
from hydranet.specialisation import Slice, slice_rows

MOST_ROWS = 1_000_000
"""What a file holds at most."""


def as_parquet(data: DataSet, chosen: Slice) -> bytes:
    """Index, label and prediction as numbers and by name, confidence, fired branches, margin."""
    sink = io.BytesIO()
    pq.write_table(_rows(data, chosen, data.card.class_names), sink, compression="zstd")
    return sink.getvalue()


def as_csv(data: DataSet, chosen: Slice) -> bytes:
    """The same as text; fired branches with spaces between them."""
    table = _rows(data, chosen, tuple(harmless(name) for name in data.card.class_names))
    if "fired" in table.column_names:
        words = pa.array([" ".join(map(str, fired)) for fired in table["fired"].to_pylist()])
        table = table.set_column(table.column_names.index("fired"), "fired", words)
    sink = io.BytesIO()
    pyarrow.csv.write_csv(table, sink)
    return sink.getvalue()


def _rows(data: DataSet, chosen: Slice, names: tuple[str, ...]) -> pa.Table:
    table = slice_rows(data.table, chosen, limit=MOST_ROWS)
    classes = pa.array(names)
    for name, title in (("label", "class"), ("prediction", "answer")):
        table = table.append_column(title, pc.take(classes, table[name]))
    return table
