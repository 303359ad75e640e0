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
from hydranet.errors import InputError, one_line
from hydranet.intake.parquet_bounds import BOUNDS

_ROWS = 256
_ROWS_BYTES = 2**21
"""Of unpacked pages that are held at once: of large images fewer rows are."""
_BUFFER = 2**20
"""Bytes that are read at once; by itself Arrow reads whole row groups ahead and keeps them."""


def read_rows(
    file: BinaryIO,
    name: str,
    *,
    start: int = 0,
    stop: int | None = None,
    rows_at_once: int | None = None,
) -> Iterator[Item]:
    """The images of the rows from `start` to before `stop`, all unless given, of the table in
    `file`, which must stay open until the last one was asked for.

    Of a row group that is damaged, what lies behind the damage comes as items that say so.

    Raises:
        InputError: there is no image column, or it holds no encoded files.
        pyarrow.ArrowException: it is no Parquet file, or its list of row groups is damaged.
        OSError: its bytes cannot be had.
    """
    with pq.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False) as table:
        image, label = _columns(table.schema_arrow)
        said = _labels(table.schema_arrow, label)
        wanted = [image] if label is None else [image, label]
        stop = table.metadata.num_rows if stop is None else stop
        end = 0
        for group in range(table.metadata.num_row_groups):
            row, end = end, end + table.metadata.row_group(group).num_rows
            if end <= start or row >= stop:
                continue
            at_once = rows_at_once or _rows_at_once(table.metadata.row_group(group))
            try:
                # Arrow's own threads would wait for cores that route.
                for batch in table.iter_batches(at_once, [group], wanted, use_threads=False):
                    first, row = max(row, start), row + len(batch)
                    batch = batch.slice(len(batch) - max(row - first, 0))
                    contents = _encoded(batch.column(image))
                    labels = (
                        [None] * len(batch) if label is None else batch.column(label).to_pylist()
                    )
                    cells = zip(range(first, min(row, stop)), contents, labels, strict=False)
                    for number, content, value in cells:
                        yield _cell(as_text(f"{name}#{number}"), content.as_py(), said(value))
                    if row >= stop:
                        break
            except (pa.ArrowException, OSError) as error:
                _check_bytes(file, table.metadata.row_group(group))
                reason = f"{IT} lies behind damage to its table: {one_line(error)}"
                for lost in range(max(row, start), min(end, stop)):
                    yield refused(as_text(f"{name}#{lost}"), reason)


def _rows_at_once(group: pq.RowGroupMetaData) -> int:
    a_row = group.total_byte_size // max(group.num_rows, 1)
    return min(_ROWS, max(1, _ROWS_BYTES // max(a_row, 1)))


def count_rows(file: BinaryIO) -> int:
    """How many items `read_rows` gives; raises as it does."""
    with pq.ParquetFile(file) as table:
        _columns(table.schema_arrow)
        return table.metadata.num_rows


def _check_bytes(file: BinaryIO, group: pq.RowGroupMetaData) -> None:
    """Raise OSError if the bytes of a row group cannot be had: that is no damage to the table, and
    another try may help."""
    for number in range(group.num_columns):
        column = group.column(number)
        file.seek(column.dictionary_page_offset or column.data_page_offset)
        left = column.total_compressed_size
        while left > 0 and (got := file.read(min(left, _BUFFER))):
            left -= len(got)


def check_unpacked(file: BinaryIO, name: str, *, most_bytes: int) -> None:
    """Raise InputError if a stranger's table says that it unpacks to more than `most_bytes`, or
    cannot be read."""
    try:
        with pq.ParquetFile(file, **BOUNDS) as table:
            groups = [table.metadata.row_group(i) for i in range(table.metadata.num_row_groups)]
            total = sum(group.total_byte_size for group in groups)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{as_text(name)} cannot be read: {as_text(str(error))}") from None
    if total > most_bytes:
        raise InputError(
            f"{as_text(name)} unpacks to {total / 2**20:,.0f} MiB; at most {most_bytes >> 20} are "
            "taken. Give fewer rows."
        )


def _columns(schema: pa.Schema) -> tuple[str, str | None]:
    """The names of the image column and of the label column, if there is one."""
    image = next((column for column in IMAGE_COLUMNS if column in schema.names), None)
    if image is None:
        raise InputError(
            f"it needs a column named {' or '.join(IMAGE_COLUMNS)}, but it has "
            f"{', '.join(schema.names)}."
        )
    _encoded(pa.array([], schema.field(image).type))
    return image, next((column for column in LABEL_COLUMNS if column in schema.names), None)


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
