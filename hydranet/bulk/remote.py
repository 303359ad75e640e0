"""Files and folders of other file systems, by address: as much of `pathlib.Path` as reading takes.

`s3://bucket/folder` and the like; a scheme that Arrow does not know itself is opened by fsspec,
`fsspec+ftp://…` always. Settings go behind the address (`s3://b?endpoint_override=…&scheme=http`)
or into the environment. Light.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import pyarrow as pa
from pyarrow import fs

from hydranet.errors import InputError, one_line

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


@dataclass(frozen=True)
class Remote:
    """A file or folder at `path` of a file system; `prefix` before it makes the address."""

    path: str
    filesystem: fs.FileSystem
    prefix: str

    def __str__(self) -> str:
        return f"{self.prefix}{self.path}"

    @property
    def suffix(self) -> str:
        """The ending of the name, with its dot."""
        return PurePosixPath(self.path).suffix

    @property
    def parent(self) -> PurePosixPath:
        """The folder that it lies in; for its name."""
        return PurePosixPath(self.path).parent

    def open(self, mode: str = "rb") -> BinaryIO:
        """The bytes, as a file in which one can seek."""
        assert mode == "rb", "nothing is written through it"
        return self.filesystem.open_input_file(self.path)

    def __truediv__(self, name: str) -> Remote:
        return Remote(f"{self.path.rstrip('/')}/{name}", self.filesystem, self.prefix)


Place = Path | Remote


def is_address(given: str) -> bool:
    """Whether it is an address, and not a path on this machine."""
    return _ADDRESS.match(given) is not None


def place(given: str) -> Place:
    """What a path or an address stands for; whether it is there is not asked yet.

    Raises:
        InputError: no such file system is known here or none answers, or the address is malformed.
    """
    if not is_address(given):
        return Path(given)
    scheme, _, rest = given.partition("://")
    if scheme.lower() == "file":
        return Path(rest)
    try:
        filesystem, path = _open(given)
    except OSError as error:  # to find a bucket's region, it is asked
        raise _silent(one_line(given), error) from None
    except (ImportError, ValueError, pa.ArrowException) as error:
        raise InputError(
            f"{one_line(given)} cannot be opened: {one_line(error)}. An address is one that Arrow "
            "or fsspec knows, such as s3://bucket/folder."
        ) from None
    return Remote(path.rstrip("/"), filesystem, f"{scheme}://")


def _open(given: str) -> tuple[fs.FileSystem, str]:
    try:
        return fs.FileSystem.from_uri(given)
    except pa.ArrowInvalid as error:
        if "nrecognized filesystem type" not in str(error):
            raise
    from fsspec.core import url_to_fs

    filesystem, path = url_to_fs(given)
    return fs.PyFileSystem(fs.FSSpecHandler(filesystem)), path


def exists(where: Place) -> bool:
    """Whether there is a file or folder.

    Raises:
        InputError: its file system does not answer.
    """
    return where.exists() if isinstance(where, Path) else _kind(where) != fs.FileType.NotFound


def is_folder(where: Place) -> bool:
    """Whether it is a folder."""
    return where.is_dir() if isinstance(where, Path) else _kind(where) == fs.FileType.Directory


def files_below(folder: Remote) -> list[Remote]:
    """All files under it, hidden ones left out, in the order of a walk by name."""
    try:
        infos = folder.filesystem.get_file_info(fs.FileSelector(folder.path, recursive=True))
    except (OSError, pa.ArrowException) as error:
        raise _silent(folder, error) from None
    depth = len(PurePosixPath(folder.path).parts)
    found = [
        (PurePosixPath(info.path).parts[depth:], info.path)
        for info in infos
        if info.type == fs.FileType.File
    ]
    return [
        Remote(path, folder.filesystem, folder.prefix)
        for names, path in sorted(found)
        if not any(name.startswith(".") for name in names)
    ]


def _kind(where: Remote) -> fs.FileType:
    try:
        return where.filesystem.get_file_info(where.path).type
    except (OSError, pa.ArrowException) as error:
        raise _silent(where, error) from None


def _silent(where: Remote | str, error: Exception) -> InputError:
    return InputError(
        f"{where} cannot be reached: {one_line(error)}. Check the address, the credentials and the "
        "network."
    )
