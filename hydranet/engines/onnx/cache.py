"""Linked graphs on disk, so that a network's second start is quick.

A file is the SHA-256 of the rest, and arrays as safetensors. What is damaged, cut short or of
another version is as good as not there; a folder that cannot be written only costs time.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from hydranet.errors import InputError
from hydranet.files import cache_folder, write_whole

Arrays = dict[str, NDArray[Any]]

KEPT = 64
"""Files that stand at once; those that were not used for longest go first."""

_DIGEST = hashlib.sha256().digest_size
_ENDING = ".graphs"


def key(*parts: str) -> str:
    """A name for what is determined by `parts`."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def read(name: str) -> Arrays | None:
    """What was written under that name, or None."""
    path = cache_folder("onnx") / (name + _ENDING)
    try:
        content = path.read_bytes()
    except OSError:
        return None
    with suppress(OSError):  # it may be another's
        os.utime(path)
    body = content[_DIGEST:]
    if hashlib.sha256(body).digest() != content[:_DIGEST]:
        return None
    try:
        return load(body)
    except (SafetensorError, ValueError, KeyError, TypeError):
        return None


def write(name: str, arrays: Arrays) -> None:
    """Keep arrays under that name, where the folder can be written."""
    body = save(arrays)
    with suppress(InputError):
        write_whole(cache_folder("onnx") / (name + _ENDING), hashlib.sha256(body).digest() + body)
        _forget()


def _forget() -> None:
    with suppress(OSError):
        kept = cache_folder("onnx").glob(f"*{_ENDING}")
        for path in sorted(kept, key=lambda path: path.stat().st_mtime)[:-KEPT]:
            path.unlink()
