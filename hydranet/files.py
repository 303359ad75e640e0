"""Files that are whole or not there."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from hydranet.errors import InputError

PART = ".part-"
"""How the names of what is not yet whole begin."""

ABANDONED_S = 3600.0


def cache_folder(kind: str) -> Path:
    """Where what can be computed anew is kept: in the user's own cache folder, or in the one that
    the environment variable HYDRANET_CACHE names."""
    if named := os.environ.get("HYDRANET_CACHE"):
        return Path(named) / kind
    from platformdirs import user_cache_path

    return user_cache_path("hydranet", appauthor=False) / kind


def check_writable(folder: Path) -> None:
    """See that `folder` can be made and written to, before work that would be lost else. Nothing is
    left there.

    Raises:
        InputError: it cannot.
    """
    try:
        stands = next((place for place in (folder, *folder.parents) if place.exists()), folder)
        tempfile.TemporaryFile(dir=stands).close()
    except OSError as error:
        raise InputError(
            f"{folder} must be a folder that can be written to, but it cannot ({error.strerror}). "
            "Choose another one."
        ) from None


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` beside `path`, flush it to the disk, then move it into place.

    A reader sees the old file or the new one, never a part; after an error, or when the process is
    killed at any moment, the old one stands.

    Raises:
        InputError: the folder cannot be written or the disk is full.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=PART, delete=False) as file:
            temporary = file.name
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        raise InputError(
            f"{path} could not be written ({error.strerror}). What stood there is untouched; "
            "make room or choose another folder."
        ) from None
    sync_folder(path.parent)
    remove_abandoned(path.parent)


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk, where the system can."""
    with suppress(OSError):  # no folder can be opened on Windows, some file systems refuse
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def remove_abandoned(folder: Path) -> None:
    """Remove what a writer that was killed left in `folder`: not yet whole, and untouched for an
    hour."""
    for path in folder.glob(f"{PART}*"):
        with suppress(OSError):  # its writer may have been slow, and finished just now
            touched = max(place.stat().st_mtime for place in (path, *path.rglob("*")))
            if time.time() - touched < ABANDONED_S:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
