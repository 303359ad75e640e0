"""Files that are whole or not there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hydranet.errors import InputError


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` beside `path`, flush it to the disk, then move it into place.

    A reader sees the old file or the new one, never a part; after an error the old one stands.

    Raises:
        InputError: the folder cannot be written or the disk is full.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".part-", delete=False) as file:
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
