"""The data source that Ray Data reads images by: a row is a batch of files, as `BatchRouter` takes.

Ray's own readers stop at the first file that cannot be opened, do not say which row of a table an
image is, and know no archives of images. For other formats Ray has `Datasource`, so this is one:
what is read, and what is said of the unreadable, is `hydranet.bulk`'s; when, where, how much at
once and how often again is Ray's.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
from ray.data import DataContext, Datasource, ReadTask
from ray.data._internal.util import iterate_with_retry
from ray.data.block import BlockMetadata

from hydranet.bulk.batch import Batch, batches
from hydranet.bulk.items import Item, refused
from hydranet.bulk.remote import Remote
from hydranet.bulk.sources import is_picture, items_of
from hydranet.cluster.plan import Part, Piece
from hydranet.errors import InputError

_PICTURE_BYTES = 2**14  # what an image is taken to have where nothing says
_READ_AT_ONCE = 16

SCHEMA = pa.schema(
    {
        "part": pa.int32(),
        "first": pa.int64(),
        "files": pa.list_(pa.string()),
        "contents": pa.list_(pa.large_binary()),
        "label_names": pa.list_(pa.string()),
        "label_numbers": pa.list_(pa.int64()),
        "reasons": pa.list_(pa.string()),
    }
)
"""A batch as a row: the fields of `Batch`, with labels by name and by number apart."""


class Images(Datasource):
    """The images of some parts of a plan, a read task each part."""

    def __init__(self, parts: Sequence[Part]) -> None:
        super().__init__()
        self._parts = parts

    def get_name(self) -> str:
        """What Ray calls the step."""
        return "ReadImages"

    def estimate_inmemory_data_size(self) -> int:
        """A guess: files are not opened for it."""
        return sum(part.images for part in self._parts) * _PICTURE_BYTES

    def get_read_tasks(
        self, parallelism: int, per_task_row_limit: int | None = None, data_context: Any = None
    ) -> list[ReadTask]:
        """A task for each part, however many Ray asks for: batches do not cross from one part into
        the next."""
        return [
            ReadTask(
                partial(read_part, part),
                BlockMetadata(
                    num_rows=None,
                    size_bytes=part.images * _PICTURE_BYTES,
                    input_files=None,
                    exec_stats=None,
                ),
            )
            for part in self._parts
        ]


def read_part(part: Part) -> Iterator[pa.Table]:
    """The batches of a part, a table of one row each; what Ray takes for a passing fault of the
    network is tried again, as its own readers do.

    Raises:
        OSError: the file system that an image lies on fails, or a file has changed since its images
            were counted.
    """
    yield from iterate_with_retry(
        partial(_rows, part),
        f"read part {part.number}",
        match=DataContext.get_current().retried_io_errors,
    )


def _rows(part: Part) -> Iterator[pa.Table]:
    with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
        for batch in batches(_items(part.pieces, pool), first=part.first):
            yield as_row(part.number, batch)


def _items(pieces: Iterable[Piece], pool: ThreadPoolExecutor) -> Iterator[Item]:
    """The images of all pieces; pictures that lie elsewhere are fetched some at once, in order."""
    for fetched, own in groupby(pieces, _is_remote_picture):
        if fetched:
            waiting: deque[Future[Item]] = deque()
            for piece in own:
                waiting.append(pool.submit(_fetched, piece))
                if len(waiting) == _READ_AT_ONCE:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        else:
            for piece in own:
                yield from _all_of(piece)


def _is_remote_picture(piece: Piece) -> bool:
    return isinstance(piece.file, Remote) and is_picture(piece.file)


def _fetched(piece: Piece) -> Item:
    (item,) = items_of(piece.file)
    try:
        content = item.load()
    except InputError as error:
        return refused(item.name, str(error), item.label)
    return Item(item.name, lambda: content, item.label)


def _all_of(piece: Piece) -> Iterator[Item]:
    if isinstance(piece.file, Path) and not os.path.lexists(piece.file):
        raise OSError(
            f"{piece.file} was there when it was counted, but is not on {socket.gethostname()}: "
            "every machine must see the same files."
        )
    count = 0
    for item in items_of(piece.file, piece.start, piece.stop):
        count += 1
        yield item
    if count != piece.stop - piece.start:
        raise OSError(f"{piece.file} has changed since its images were counted.")


def as_row(part: int, batch: Batch) -> pa.Table:
    """A batch as a table of one row, see `SCHEMA`."""
    names = [label if isinstance(label, str) else None for label in batch.labels]
    numbers = [label if isinstance(label, int) else None for label in batch.labels]
    values = [part, batch.first, batch.files, batch.contents, names, numbers, batch.reasons]
    columns = [pa.array([value], field.type) for value, field in zip(values, SCHEMA, strict=True)]
    return pa.table(columns, schema=SCHEMA)


def from_row(row: dict[str, Any]) -> Batch:
    """The opposite of `as_row`, of `pa.Table.to_pylist`."""
    labels = zip(row["label_names"], row["label_numbers"], strict=True)
    return Batch(
        first=row["first"],
        files=row["files"],
        contents=row["contents"],
        labels=[number if name is None else name for name, number in labels],
        reasons=row["reasons"],
    )
