"""Dials that change a picture little by little: blur, noise, brightness, crop, rotation.

All but noise act on the picture's central square before it is scaled down to what the network
sees, through torchvision's transforms, imported when first used. Units do not depend on the
picture's size, so that strips of two pictures can be compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hydranet.data.resize import fit_square
from hydranet.errors import InputError

_DETAIL = 8
"""Dials work on at most so many pixels for each of the network's, on one side: a large photo would
cost seconds, and no more of it would reach the network."""

_BLUR_DETAIL = 4
"""The same for blur, which takes away detail itself."""


@dataclass(frozen=True)
class Dial:
    """`apply`: (central square, setting, side, seed) → (side, side, 3) uint8.

    `settings`: rising; `neutral`: the one at which the picture is as it came.
    """

    name: str
    unit: str
    settings: tuple[float, ...]
    neutral: float
    apply: Callable[[Image.Image, float, int, int], NDArray[np.uint8]]

    def turned(
        self, image: Image.Image, setting: float, *, side: int, seed: int = 0
    ) -> NDArray[np.uint8]:
        """The pixels that a network of that side sees of an RGB picture: (side, side, 3) uint8."""
        if setting == self.neutral:
            return fit_square(image, side)
        square = _transforms().center_crop(image, [min(image.size)])
        if square.width > (most := _DETAIL * side):
            square = Image.fromarray(fit_square(square, most))
        return self.apply(square, setting, side, seed)


def _transforms() -> Any:
    from torchvision.transforms.v2 import functional

    return functional


def _blur(square: Image.Image, sigma: float, side: int, seed: int) -> NDArray[np.uint8]:
    """Gaussian of `sigma` network pixels, one direction after the other."""
    if square.width > (most := _BLUR_DETAIL * side):
        square = Image.fromarray(fit_square(square, most))
    sigma *= square.width / side
    reach = min(2 * round(3 * sigma) + 1, 2 * square.width - 1)  # padding mirrors: at most a width
    for kernel in ([reach, 1], [1, reach]):
        square = _transforms().gaussian_blur(square, kernel, [sigma, sigma])
    return fit_square(square, side)


def _noise(square: Image.Image, deviation: float, side: int, seed: int) -> NDArray[np.uint8]:
    """On the pixels that the network sees: scaling down would average noise away.

    One pattern for all settings, so that only its strength changes along a strip. Not torchvision's
    `gaussian_noise`, which draws from the generator that all threads share.
    """
    pixels = fit_square(square, side)
    pattern = np.random.default_rng(seed).standard_normal(pixels.shape)
    return np.clip(np.rint(pixels + deviation * pattern), 0, 255).astype(np.uint8)


def _brightness(square: Image.Image, factor: float, side: int, seed: int) -> NDArray[np.uint8]:
    return fit_square(_transforms().adjust_brightness(square, factor), side)


def _crop(square: Image.Image, kept: float, side: int, seed: int) -> NDArray[np.uint8]:
    edge = max(1, round(kept * square.width))
    return fit_square(_transforms().center_crop(square, [edge]), side)


def _rotation(square: Image.Image, degrees: float, side: int, seed: int) -> NDArray[np.uint8]:
    """Counter-clockwise; what comes in at the corners is the picture's own mirror image."""
    transforms, edge = _transforms(), square.width
    margin = min(edge - 1, round(edge * (2**0.5 - 1) / 2) + 1)  # the corners of a turned square
    wide = transforms.pad(square, [margin], padding_mode="reflect")
    turned = transforms.rotate(wide, degrees, interpolation=transforms.InterpolationMode.BILINEAR)
    return fit_square(transforms.center_crop(turned, [edge]), side)


DIALS = (
    Dial("blur", "network pixels", tuple(0.25 * i for i in range(13)), 0.0, _blur),
    Dial("noise", "levels of 255", tuple(4.0 * i for i in range(13)), 0.0, _noise),
    Dial("brightness", "×", tuple(2 ** (i / 3) for i in range(-6, 7)), 1.0, _brightness),
    Dial("crop", "of the side kept", tuple((8 + i) / 20 for i in range(13)), 1.0, _crop),
    Dial("rotation", "°", tuple(15.0 * i for i in range(-6, 7)), 0.0, _rotation),
)


def get_dial(name: str) -> Dial:
    """The dial of that name; raises InputError if there is none."""
    for dial in DIALS:
        if dial.name == name:
            return dial
    names = ", ".join(dial.name for dial in DIALS)
    raise InputError(f"There is no dial {name!r}. The names are: {names}.")
