"""Images in the rows of a Parquet table, in the layout of `hydranet.data.parquet`. Light.

The image column is a struct with the encoded file in `bytes`, or plain bytes. Where there is a
label column, its numbers become names if the schema says which; text stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from hydranet.bulk.items import IT, Item, as_text, refused
from hydranet.data.parquet import IMAGE_COLUMNS, LABEL_COLUMNS, names_in_schema
from hydranet.errors import InputError

_ROWS = 64
_BUFFER = 2**20
"""Bytes that are read at once; by itself Arrow reads whole row groups ahead and keeps them."""


def read_rows(file: BinaryIO, name: str, *, rows_at_once: int = _ROWS) -> Iterator[Item]:
    """The images of the table in `file`, which must stay open until the last one was asked for.

    Raises:
        InputError: there is no image column, or it holds no encoded files.
        pyarrow.ArrowException: the file is damaged, or no Parquet.
    """
    with pq.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False) as table:
        names = table.schema_arrow.names
        image = next((column for column in IMAGE_COLUMNS if column in names), None)
        if image is None:
            raise InputError(
                f"it needs a column named {' or '.join(IMAGE_COLUMNS)}, but it has "
                f"{', '.join(names)}."
            )
        label = next((column for column in LABEL_COLUMNS if column in names), None)
        said = _labels(table.schema_arrow, label)
        wanted = [image] if label is None else [image, label]
        row = 0
        for batch in table.iter_batches(batch_size=rows_at_once, columns=wanted):
            contents = _encoded(batch.column(image))
            labels = [None] * len(batch) if label is None else batch.column(label).to_pylist()
            for content, value in zip(contents, labels, strict=True):
                yield _cell(as_text(f"{name}#{row}"), content.as_py(), said(value))
                row += 1


def check_unpacked(file: BinaryIO, name: str, *, most_bytes: int) -> None:
    """Raise InputError if a stranger's table says that it unpacks to more than `most_bytes`, or
    cannot be read."""
    try:
        with pq.ParquetFile(file) as table:
            groups = [table.metadata.row_group(i) for i in range(table.metadata.num_row_groups)]
            total = sum(group.total_byte_size for group in groups)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{as_text(name)} cannot be read: {as_text(str(error))}") from None
    if total > most_bytes:
        raise InputError(
            f"{as_text(name)} unpacks to {total / 2**20:,.0f} MiB; at most {most_bytes >> 20} are "
            "taken. Give fewer rows."
        )


def _encoded(column: pa.Array) -> pa.Array:
    if pa.types.is_struct(column.type) and column.type.get_field_index("bytes") >= 0:
        column = column.field("bytes")
    if not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
        raise InputError(
            f"its image column must hold encoded files, or structs with such a field named bytes, "
            f"not {column.type}."
        )
    return column


def _labels(schema: pa.Schema, column: str | None) -> Callable[[Any], str | int | None]:
    """What a value of the label column says: a name, a number where numbers have no names."""
    names = None if column is None else names_in_schema(schema, column)

    def said(value: Any) -> str | int | None:
        if isinstance(value, str):
            return as_text(value)
        if not isinstance(value, int):
            return None
        if names is None:
            return value
        return as_text(names[value]) if 0 <= value < len(names) else str(value)

    return said


def _cell(shown: str, content: bytes | None, label: str | int | None) -> Item:
    if content is None:
        return refused(shown, f"{IT} is missing: the row holds no image.", label)
    return Item(shown, lambda: content, label)
