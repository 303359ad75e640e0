"""Which of the server's own files its visitors may have it read: none, unless whoever serves it
says so. Draws nothing.

The environment variable HYDRANET_PATHS names folders, separated as in PATH; what lies in them may
be read by every visitor. HYDRANET_DATA, the command line's option for a data set, names the folder
whose test images the page Specialise shows beside the routes of a checkpoint.
"""

from __future__ import annotations

import os
from pathlib import Path

from hydranet.errors import InputError

PATHS, DATA = "HYDRANET_PATHS", "HYDRANET_DATA"


def allowed_folders() -> list[Path]:
    """The folders that visitors may name files in; empty unless the server was told of some."""
    named = os.environ.get(PATHS, "").split(os.pathsep)
    return [Path(name).expanduser().resolve() for name in named if name.strip()]


def allowed(text: str) -> Path:
    """The file or folder that a visitor named.

    Raises:
        InputError: it is not there, or in none of the allowed folders; the sentence is the same, so
            that it tells nothing about other files.
    """
    folders = allowed_folders()
    refusal = InputError(
        "There is no such file or folder in those that this server may read: "
        f"{', '.join(map(str, folders)) or 'none'}. Check the path."
    )
    try:
        path = Path(text.strip()).expanduser().resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        raise refusal from None
    if not any(path.is_relative_to(folder) for folder in folders):
        raise refusal
    return path


def data_folder() -> Path | None:
    """Where the data set lies, if the server was told."""
    named = os.environ.get(DATA, "").strip()
    return Path(named).expanduser() if named else None
