"""A caller's picture, whatever it is held in, as RGB. Light: no torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hydranet.errors import InputError
from hydranet.intake.images import to_rgb

Picture = Image.Image | NDArray[np.uint8]
"""An image: PIL, or RGB as (H, W, 3) uint8."""


def rgb_picture(image: Picture) -> Image.Image:
    """The image in RGB; of other modes see `intake.images.to_rgb`.

    Raises:
        InputError: it is neither, has no pixel, or has a mode that is not known.
    """
    if isinstance(image, Image.Image):
        try:
            image.load()
        except (OSError, SyntaxError, ValueError) as error:
            raise InputError(
                f"An image must be a whole picture, but this one cannot be decoded: {error}."
            ) from None
        _check_size(image.size)
        picture = image if image.mode == "RGB" else to_rgb(image)
    elif isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.shape[2:] == (3,):
        _check_size(image.shape[1::-1])
        picture = Image.fromarray(image)
    else:
        raise InputError(
            f"An image must be a PIL picture or an array (H, W, 3) of uint8, not {_what(image)}. "
            "Read a file with hydranet.read_image."
        )
    return picture


def _check_size(size: tuple[int, int]) -> None:
    if not all(size):
        raise InputError(f"An image must have a pixel, but this one has the size {size}.")


def _what(image: object) -> str:
    if isinstance(image, np.ndarray):
        return f"an array {image.shape} of {image.dtype}"
    return f"an object of type {type(image).__name__}"
