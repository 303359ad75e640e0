"""A stranger's bytes → an upright RGB image with the hash of its file, or InputError."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image

from app.server import counters
from hydranet.errors import InputError
from hydranet.intake.images import decode_image

SAMPLES = Path(__file__).parent / "samples"


@dataclass(frozen=True)
class Intake:
    """An image that was taken in; `sha256` is that of the file's bytes and keys every cache."""

    name: str
    sha256: str
    image: Image.Image


def take_in(content: bytes, name: str) -> Intake:
    """Decode an image file of any origin.

    Raises:
        InputError: it cannot be shown; the message says why and what to do.
    """
    try:
        image = decode_image(content, name=name)
    except InputError:
        counters.refused("file")
        raise
    return Intake(name, hashlib.sha256(content).hexdigest(), image)


def sample_names() -> list[str]:
    """The sample photos that ship, by name."""
    return sorted(path.stem for path in SAMPLES.glob("*.jpg"))


@lru_cache(maxsize=16)
def take_sample(name: str) -> Intake:
    """One of the sample photos, the same for all who ask."""
    return take_in((SAMPLES / f"{name}.jpg").read_bytes(), name)
