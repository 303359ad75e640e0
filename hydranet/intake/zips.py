"""A stranger's ZIP, opened within limits and never unpacked to a path. Light.

Before anything is read, the list of entries, what they say they unpack to and how far they are
packed are held to limits; Python's `zipfile` never gives more bytes of an entry than that says.
Only stored and deflated entries are read: of other methods `zipfile` unpacks a whole block at once,
however large.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import BinaryIO, Final

from hydranet.bulk.items import IT, as_text
from hydranet.errors import InputError
from hydranet.intake.images import MAX_BYTES

_ENCRYPTED: Final = 0x1
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ALWAYS_ALLOWED: Final = 2**16
"""Bytes that an entry may unpack to, however small it is packed: a plain picture packs well."""
_AN_ENTRY: Final = 256
"""Bytes of the list of entries that one is granted, most of them for its name."""


@dataclass(frozen=True)
class Limits:
    """`entries` of an archive; bytes of all its files unpacked (`total`) and of one (`entry`);
    `ratio`: unpacked to packed bytes of one."""

    entries: int = 200_000
    total: int = 2**40
    entry: int = MAX_BYTES
    ratio: int = 200


def open_zip(file: BinaryIO, name: str, limits: Limits) -> zipfile.ZipFile:
    """The ZIP `file`, which must stay open as long as entries are read.

    Raises:
        InputError: it is not a whole ZIP, or has more entries than the limit.
    """
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
    return archive


def is_hidden(info: zipfile.ZipInfo) -> bool:
    """Whether an entry is a folder, a hidden file or one of those that macOS adds."""
    parts = info.filename.replace("\\", "/").split("/")
    return not parts[-1] or "__MACOSX" in parts or (parts[-1] != ".." and parts[-1][0] == ".")


def why_not(info: zipfile.ZipInfo, limits: Limits) -> str:
    """Why an entry is not read, or nothing."""
    if info.flag_bits & _ENCRYPTED:
        return f"{IT} is encrypted. Pack it without a password."
    if info.compress_type not in _METHODS:
        return f"{IT} is packed by another method than deflate. Pack it as an ordinary ZIP."
    if info.file_size > limits.entry:
        return f"{IT} must have at most {mebibytes(limits.entry)}, but it unpacks to more."
    packed = max(info.compress_size, 1)
    if info.file_size > _ALWAYS_ALLOWED and info.file_size > limits.ratio * packed:
        return (
            f"{IT} unpacks to {info.file_size // packed:,} times its size; no picture and "
            "no network does, so it is left alone."
        )
    return ""


def read_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """At most as many bytes as the entry says that it has, with its checksum right.

    Raises:
        InputError: the archive is damaged there.
    """
    try:
        with archive.open(info) as entry:
            return entry.read()
    except Exception as error:  # zipfile promises no list; only reading stands inside
        raise InputError(
            f"{IT} cannot be unpacked: the archive is damaged there. Pack it again."
        ) from error


def mebibytes(count: int) -> str:
    """A number of bytes as it is said."""
    return f"{count / 2**20:,.0f} MiB"


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
