"""A network that a visitor handed over."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass

from hydranet.checkpoints import Checkpoint


@dataclass(frozen=True)
class OwnNetwork(Checkpoint):
    """A checkpoint of a visitor's; `files` is the folder that holds it, of so many bytes (`size`).

    Its card has the name that it is called by here.
    """

    files: tempfile.TemporaryDirectory[str]
    size: int
