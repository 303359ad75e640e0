"""The images of a part, in batches, whatever file system they lie on.

Ray's own readers stop at the first file that cannot be opened, do not say which row of a table an
image is, and know no archives of images. What is read here, and what is said of the unreadable, is
`hydranet.bulk`'s.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

from hydranet.bulk.batch import Batch, batches
from hydranet.bulk.items import Item, refused
from hydranet.bulk.remote import Remote
from hydranet.bulk.sources import is_picture, items_of
from hydranet.cluster.plan import Part, Piece
from hydranet.errors import InputError

_READ_AT_ONCE = 16


def read_part(part: Part) -> Iterator[Batch]:
    """The batches of a part. While one is worked at, the next is read.

    Raises:
        OSError: the file system that an image lies on fails, or a file has changed since its images
            were counted. Of the first, another try may help.
    """
    with (
        ThreadPoolExecutor(_READ_AT_ONCE, "pictures") as pictures,
        ThreadPoolExecutor(1, "batches") as ahead,
    ):
        read = batches(_items(part.pieces, pictures), first=part.first)
        coming = ahead.submit(next, read, None)
        while (batch := coming.result()) is not None:
            coming = ahead.submit(next, read, None)
            yield batch


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
