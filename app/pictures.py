"""The two images of the page Inspect as a browser gets them: made once, not at every click."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.cores.computing import once
from app.cores.kept import Kept

if TYPE_CHECKING:
    from app.intake import Intake

WIDTH = 112
"""Pixels that each of the two is wide on the page: Streamlit would make wider ones smaller anew
each time."""

_SHARP = 256
"""The network's square is first enlarged to so many, so that its pixels stay squares."""

_KEPT: Kept[tuple[str, bytes], tuple[bytes, bytes]] = Kept(64)


def pictures(intake: Intake, pixels: NDArray[np.uint8]) -> tuple[bytes, bytes]:
    """The image as it came (JPEG), and what the network sees of it (PNG).

    `pixels`: (side, side, 3), what it sees.
    """
    return once(_KEPT, (intake.sha256, pixels.tobytes()), lambda: _made(intake.image, pixels))


def _made(image: Image.Image, pixels: NDArray[np.uint8]) -> tuple[bytes, bytes]:
    square = Image.fromarray(pixels).resize((_SHARP, _SHARP), Image.Resampling.NEAREST)
    return _file(image, "JPEG"), _file(square, "PNG")


def _file(image: Image.Image, kind: str) -> bytes:
    if image.width > WIDTH:
        height = max(1, round(image.height * WIDTH / image.width))
        image = image.resize((WIDTH, height), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=90)
    return buffer.getvalue()
