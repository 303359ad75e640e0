"""From any picture to the square of pixels that a network sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def fit_square(image: Image.Image, side: int) -> NDArray[np.uint8]:
    """The central square of an RGB image, scaled to (side, side, 3) uint8, in memory of its own.

    Scaled by area-aware bicubic interpolation; an image that has the size already is not touched.
    """
    if image.size != (side, side):
        width, height = image.size
        edge = min(width, height)
        left, top = (width - edge) / 2, (height - edge) / 2
        box = (left, top, left + edge, top + edge)
        image = image.resize((side, side), Image.Resampling.BICUBIC, box=box)
    return np.array(image)
