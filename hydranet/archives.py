"""The images in a stranger's ZIP, one at a time, without unpacking it anywhere. Light.

Entries are read into memory only, and their names are text, never paths. Before anything is read,
the list of entries, what they say they unpack to and how far they are packed are held to limits;
Python's `zipfile` never gives more bytes of an entry than that says. Only stored and deflated
entries are read: of other methods `zipfile` unpacks a whole block at once, however large.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from hydranet.bulk.items import IMAGE_ENDINGS, IT, Item, as_text, refused
from hydranet.errors import InputError
from hydranet.images import MAX_BYTES

_ENCRYPTED: Final = 0x1
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ARCHIVES: Final = (".zip", ".7z", ".rar", ".tar", ".tgz", ".gz")
_ALWAYS_ALLOWED: Final = 2**16
"""Bytes that an entry may unpack to, however small it is packed: a plain picture packs well."""
_AN_ENTRY: Final = 256
"""Bytes of the list of entries that one is granted, most of them for its name."""


@dataclass(frozen=True)
class Limits:
    """`entries` of an archive; bytes of all its images unpacked (`total`) and of one (`entry`);
    `ratio`: unpacked to packed bytes of one."""

    entries: int = 200_000
    total: int = 2**40
    entry: int = MAX_BYTES
    ratio: int = 200


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
    too_many = InputError(
        f"{as_text(name)} must have at most {limits.entries:,} entries, but it has more. "
        "Split it and try again."
    )
    guarded = _Guarded(file, most=limits.entries * _AN_ENTRY + 2**20)
    try:
        archive = zipfile.ZipFile(guarded)
    except _TooMuchError:
        raise too_many from None
    except Exception as error:  # as many kinds as there are ways to damage one; only opening inside
        raise InputError(
            f"{as_text(name)} must be a whole ZIP archive, but its list of entries cannot be read: "
            "it seems to be damaged or cut short. Pack it again."
        ) from error
    guarded.most = None
    if len(archive.infolist()) > limits.entries:
        raise too_many
    entries = [info for info in archive.infolist() if not _is_hidden(info)]
    wanted = [info for info in entries if _ending(info) in (*IMAGE_ENDINGS, *_ARCHIVES)]
    return Archive(tuple(_items(archive, wanted, name, limits)), len(entries) - len(wanted))


def _is_hidden(info: zipfile.ZipInfo) -> bool:
    parts = info.filename.replace("\\", "/").split("/")
    return not parts[-1] or "__MACOSX" in parts or (parts[-1] != ".." and parts[-1][0] == ".")


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
                    f"{IT} lies beyond the {_size(limits.total)} that an archive may unpack to. "
                    "Split the archive."
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
    if info.flag_bits & _ENCRYPTED:
        return f"{IT} is encrypted. Pack it without a password."
    if info.compress_type not in _METHODS:
        return f"{IT} is packed by another method than deflate. Pack it as an ordinary ZIP."
    if info.file_size > limits.entry:
        return f"{IT} must have at most {_size(limits.entry)}, but it unpacks to more."
    packed = max(info.compress_size, 1)
    if info.file_size > _ALWAYS_ALLOWED and info.file_size > limits.ratio * packed:
        return (
            f"{IT} unpacks to {info.file_size // packed:,} times its size; no picture does, so it "
            "is left alone."
        )
    return ""


def _size(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB"


class _Load:
    """Reads one entry when asked to."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        self._archive, self._info = archive, info

    def __call__(self) -> bytes:
        """At most as many bytes as the entry says that it has, with its checksum right."""
        try:
            with self._archive.open(self._info) as entry:
                return entry.read()
        except Exception as error:  # zipfile promises no list; only reading stands inside
            raise InputError(
                f"{IT} cannot be unpacked: the archive is damaged there. Pack it again."
            ) from error


class _TooMuchError(Exception):
    """More was read than a list of entries may have."""


class _Guarded(io.RawIOBase):
    """A file of which at most `most` bytes can be read, until that is None.

    `zipfile` reads the list of entries whole when it opens an archive, as long as the archive says
    that it is: 20 MB of one-letter names would cost hundreds of MB.
    """

    def __init__(self, file: BinaryIO, most: int | None) -> None:
        self._file, self.most = file, most

    def read(self, size: int = -1) -> bytes:
        """As a file does; raises _TooMuchError past the limit."""
        if self.most is None:
            return self._file.read(size)
        content = self._file.read(size if 0 <= size <= self.most else self.most + 1)
        self.most -= len(content)
        if self.most < 0:
            raise _TooMuchError
        return content

    def seek(self, offset: int, whence: int = 0) -> int:
        """As a file does."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As a file does."""
        return self._file.tell()

    def seekable(self) -> bool:
        """It is."""
        return True

    def readable(self) -> bool:
        """It is."""
        return True
