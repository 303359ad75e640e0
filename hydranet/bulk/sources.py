"""Files, folders, ZIPs and Parquet tables → one stream of images, in an order that repeats. Light.

An image in a folder, of the disk or of an archive, comes with the folder's name as its label, a row
of a table with what its label column says. Nothing is read before it is asked for, and nothing is
held but the list of one folder or of one archive: a stream of millions takes no more memory than
one of hundreds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from hydranet.archives import Limits, open_archive
from hydranet.bulk.items import IMAGE_ENDINGS, IT, Item, as_text, refused
from hydranet.bulk.tables import read_rows
from hydranet.errors import InputError
from hydranet.images import MAX_BYTES

_TABLE, _ARCHIVE = ".parquet", ".zip"


def check_inputs(inputs: Sequence[Path]) -> None:
    """Raise InputError unless each of `inputs` is there."""
    for path in inputs:
        if not path.exists():
            raise InputError(f"There is no file or folder {as_text(str(path))}. Check the path.")


def iterate(inputs: Sequence[Path], *, without: Path | None = None) -> Iterator[Item]:
    """The images of all `inputs`: a folder's with those of its folders, by name; a table's by row.

    `without`: a folder that is left out, for results may stand inside of what is read. What cannot
    be opened comes as one item that says so.
    """
    for path in _files(inputs, without):
        yield from _items_of(path)


def count(inputs: Sequence[Path], *, without: Path | None = None) -> int:
    """How many items `iterate` would give."""
    return sum(_count_of(path) for path in _files(inputs, without))


def _files(inputs: Sequence[Path], without: Path | None) -> Iterator[Path]:
    left_out = without.resolve() if without else None
    for path in inputs:
        if path.is_dir():
            yield from _walk(path, left_out)
        else:
            yield path


def _walk(folder: Path, left_out: Path | None) -> Iterator[Path]:
    """Pictures, archives and tables under a folder, by name; hidden ones are left out."""
    if folder.resolve() == left_out:
        return
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    for name in names:
        path = folder / name
        if path.is_dir():
            if not path.is_symlink():  # it might lead back here
                yield from _walk(path, left_out)
        elif path.suffix.lower() in (*IMAGE_ENDINGS, _ARCHIVE, _TABLE):
            yield path


def _items_of(path: Path) -> Iterator[Item]:
    shown = as_text(str(path))
    try:
        if path.suffix.lower() == _ARCHIVE:
            with path.open("rb") as file:
                yield from open_archive(file, str(path), Limits()).items
        elif path.suffix.lower() == _TABLE:
            with path.open("rb") as file:
                yield from read_rows(file, str(path))
        else:
            yield Item(shown, lambda: _read(path), as_text(path.parent.name) or None)
    except (InputError, OSError, pa.ArrowException) as error:
        yield refused(shown, f"It, or the rest of it, cannot be read: {as_text(str(error))}")


def _count_of(path: Path) -> int:
    try:
        if path.suffix.lower() == _ARCHIVE:
            with path.open("rb") as file:
                return len(open_archive(file, str(path), Limits()).items)
        if path.suffix.lower() == _TABLE:
            return pq.read_metadata(path).num_rows
    except (InputError, OSError, pa.ArrowException):
        pass
    return 1


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{IT} cannot be opened: {error.strerror}.") from None
