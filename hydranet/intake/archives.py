"""The images in a stranger's ZIP, one at a time, without unpacking it anywhere. Light.

Entries are read into memory only, and their names are text, never paths. What may be read is said
by `zips`.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from hydranet.bulk.items import IMAGE_ENDINGS, IT, Item, as_text, refused
from hydranet.intake.zips import Limits, is_hidden, mebibytes, open_zip, read_entry, why_not

__all__ = ["Archive", "Limits", "open_archive"]

_ARCHIVES: Final = (".zip", ".7z", ".rar", ".tar", ".tgz", ".gz")


@dataclass(frozen=True)
class Archive:
    """`items`: what is a picture by its name, and what looks as if pictures were in it; `skipped`:
    how many other files there are. Folders, hidden files and those of `__MACOSX` do not count."""

    items: tuple[Item, ...]
    skipped: int


def open_archive(file: BinaryIO, name: str, limits: Limits | None = None) -> Archive:
    """List the images of the ZIP `file`, which must stay open as long as they are loaded.

    An entry that cannot be had is listed with its reason; two of one name are two.

    Raises:
        InputError: it is not a whole ZIP, or has more entries than the limit.
    """
    limits = limits or Limits()
    archive = open_zip(file, name, limits)
    entries = [info for info in archive.infolist() if not is_hidden(info)]
    wanted = [info for info in entries if _ending(info) in (*IMAGE_ENDINGS, *_ARCHIVES)]
    return Archive(tuple(_items(archive, wanted, name, limits)), len(entries) - len(wanted))


def _ending(info: zipfile.ZipInfo) -> str:
    """`filename` ends where the name has a null character: that is the name that counts."""
    dot = info.filename.rfind(".")
    return info.filename[dot:].lower() if dot >= 0 else ""


def _items(
    archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], name: str, limits: Limits
) -> Iterator[Item]:
    total = 0
    for info in entries:
        shown = as_text(f"{name}/{info.orig_filename}")
        reason = _reason(info, limits)
        if not reason:
            total += info.file_size
            if total > limits.total:
                reason = (
                    f"{IT} lies beyond the {mebibytes(limits.total)} that an archive may unpack "
                    "to. Split the archive."
                )
        label = _folder(info)
        yield (
            refused(shown, reason, label) if reason else Item(shown, _Load(archive, info), label)
        )


def _folder(info: zipfile.ZipInfo) -> str | None:
    """The name of the folder that an entry lies in."""
    parts = info.filename.replace("\\", "/").split("/")
    return as_text(parts[-2]) if len(parts) > 1 and parts[-2] else None


def _reason(info: zipfile.ZipInfo, limits: Limits) -> str:
    """Why an entry is not read, or nothing."""
    if _ending(info) in _ARCHIVES:
        return f"{IT} is an archive in an archive. Unpack the inner one and hand it over by itself."
    return why_not(info, limits)


class _Load:
    """Reads one entry when asked to."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        self._archive, self._info = archive, info

    def __call__(self) -> bytes:
        """The file; see `read_entry`."""
        return read_entry(self._archive, self._info)
