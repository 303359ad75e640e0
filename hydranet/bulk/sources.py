"""Files, folders, ZIPs and Parquet tables → one stream of images, in an order that repeats. Light.

An image in a folder, of the disk or of an archive, comes with the folder's name as its label, a row
of a table with what its label column says. Nothing is read before it is asked for, and nothing is
held but the list of one folder or of one archive (of a remote folder, of all below it): a stream of
millions takes no more memory than one of hundreds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa

from hydranet.bulk.items import IMAGE_ENDINGS, IT, Item, as_text, refused
from hydranet.bulk.remote import Place, Remote, exists, files_below, is_folder
from hydranet.bulk.tables import count_rows, read_rows
from hydranet.errors import InputError
from hydranet.intake.archives import Limits, open_archive
from hydranet.intake.images import MAX_BYTES

_TABLE, _ARCHIVE = ".parquet", ".zip"
_ENDINGS = (*IMAGE_ENDINGS, _ARCHIVE, _TABLE)
_PERMANENT = (FileNotFoundError, PermissionError)


def check_inputs(inputs: Sequence[Place]) -> None:
    """Raise InputError unless each of `inputs` is there."""
    for path in inputs:
        if not exists(path):
            raise InputError(f"There is no file or folder {as_text(str(path))}. Check the path.")


def iterate(inputs: Sequence[Place], *, without: Place | None = None) -> Iterator[Item]:
    """The images of all `inputs`: a folder's with those of its folders, by name; a table's by row.

    `without`: a folder that is left out, for results may stand inside of what is read. What cannot
    be opened comes as one item that says so.
    """
    for path in files(inputs, without):
        yield from items_of(path)


def count(inputs: Sequence[Place], *, without: Place | None = None) -> int:
    """How many items `iterate` would give."""
    return sum(count_of(path) for path in files(inputs, without))


def files(inputs: Sequence[Place], without: Place | None = None) -> Iterator[Place]:
    """The pictures, archives and tables of all `inputs`, in the order of `iterate`."""
    left_out = without.resolve() if isinstance(without, Path) else None
    for path in inputs:
        if not is_folder(path):
            yield path
        elif isinstance(path, Path):
            yield from _walk(path, left_out)
        else:
            inside = f"{without}/"
            for file in files_below(path):
                if file.suffix.lower() in _ENDINGS and not str(file).startswith(inside):
                    yield file


def _walk(folder: Path, left_out: Path | None) -> Iterator[Path]:
    """Pictures, archives and tables under a folder, by name; hidden ones are left out. A folder
    that cannot be opened stands for what is in it."""
    if folder.resolve() == left_out:
        return
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    except OSError:
        yield folder
        return
    for name in names:
        path = folder / name
        if path.is_dir():
            if not path.is_symlink():  # it might lead back here
                yield from _walk(path, left_out)
        elif path.suffix.lower() in _ENDINGS:
            yield path


def is_picture(path: Place) -> bool:
    """Whether the file is one image by its name, and neither an archive nor a table."""
    return path.suffix.lower() not in (_ARCHIVE, _TABLE)


def items_of(path: Place, start: int = 0, stop: int | None = None) -> Iterator[Item]:
    """The images of one file, from number `start` to before `stop`, all unless given.

    Raises:
        OSError: the file system that a remote one lies on fails. Another try may help.
    """
    shown = as_text(str(path))
    try:
        if path.suffix.lower() == _ARCHIVE:
            with path.open("rb") as file:
                yield from islice(open_archive(file, str(path), Limits()).items, start, stop)
        elif path.suffix.lower() == _TABLE:
            with path.open("rb") as file:
                yield from read_rows(file, str(path), start=start, stop=stop)
        else:
            yield Item(shown, lambda: _read(path), as_text(path.parent.name) or None)
    except (InputError, OSError, pa.ArrowException) as error:
        if _may_pass(path, error):
            raise
        yield refused(shown, f"It, or the rest of it, cannot be read: {as_text(str(error))}")


def count_of(path: Place) -> int:
    """How many items `items_of` gives of a whole file; it raises as that does."""
    try:
        if path.suffix.lower() == _ARCHIVE:
            with path.open("rb") as file:
                return len(open_archive(file, str(path), Limits()).items)
        if path.suffix.lower() == _TABLE:
            with path.open("rb") as file:
                return count_rows(file)
    except (InputError, OSError, pa.ArrowException) as error:
        if _may_pass(path, error):
            raise
    return 1


def _read(path: Place) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        if _may_pass(path, error):
            raise
        raise InputError(f"{IT} cannot be opened: {error.strerror}.") from None


def _may_pass(path: Place, error: Exception) -> bool:
    """Whether it is a file system elsewhere that fails, and not the file."""
    return (
        isinstance(path, Remote)
        and isinstance(error, OSError)
        and not isinstance(error, _PERMANENT)
    )
