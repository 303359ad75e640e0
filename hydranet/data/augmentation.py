"""What is done at random to training images, a whole batch at a time, on the device.

Every image is padded by black pixels, cropped back to its size and mirrored half of the time; a
square of it is set to the mean colour, anywhere, also half outside (Cutout, DeVries and Taylor,
2017); a part of it is that of another image (CutMix, Yun et al., ICCV 2019, section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from hydranet.data.normalisation import Normalisation

_FLIP_PROBABILITY = 0.5

LEAST_OWN = 0.5
"""Least share of an image that stays its own, so that its label is that of its larger part. Yun et
al. draw shares down to 0; there the image pasted onto is the other one's background."""


class Changed(NamedTuple):
    """`images`: (B, 3, H, W) float32, changed and normalised; `own`: (B,), the share of each image
    that is not of the image before it in the batch, of the first that is not of the last."""

    images: Tensor
    own: Tensor


@dataclass(frozen=True)
class Augmentation:
    """Pads by `padding` pixels on each side; erases a square of `erase` pixels a side, 0 for none;
    pastes a patch of another image into a share `cutmix` of the images.

    The draws are made for a whole batch, whichever `part` of it is then wanted, so that processes
    that share a batch see the draws of one that has it alone.
    """

    normalisation: Normalisation
    padding: int = 4
    erase: int = 0
    cutmix: float = 0.0

    def draw(self, count: int, side: int, generator: torch.Generator) -> Draws:
        """What happens to each of `count` images of `side` pixels."""
        window = _draw(count, self.padding, generator)
        squares = _draw_squares(count, side, generator) if self.erase else ()
        patches = _draw_patches(count, side, self.cutmix, generator) if self.cutmix else ()
        return Draws(window, squares, patches)

    def apply(self, images: Tensor, draws: Draws) -> Changed:
        """Change images (B, 3, H, W) uint8 as drawn."""
        images = self.normalisation.apply(_crop_and_flip(images, self.padding, *draws.window))
        if self.erase:
            images = images.masked_fill(_squares(images, self.erase, *draws.squares), 0.0)
        if not self.cutmix:
            return Changed(images, torch.ones(len(images), device=images.device))
        patches = _squares(images, *draws.patches)  # (B, 1, H, W)
        own = 1 - patches.float().mean(dim=(1, 2, 3))
        return Changed(torch.where(patches, images.roll(1, dims=0), images), own)


@dataclass(frozen=True)
class Draws:
    """For each image of a batch, (B, 1) each: where its window begins, from the top and from the
    left, and whether it is mirrored; where the centre of its square is, if one is erased; the side
    of its patch, 0 for none, and where its centre is, if images are mixed."""

    window: tuple[Tensor, ...]
    squares: tuple[Tensor, ...]
    patches: tuple[Tensor, ...]

    def part(self, part: slice) -> Draws:
        """Those of a part of the batch."""
        window, squares, patches = (
            tuple(draw[part] for draw in draws)
            for draws in (self.window, self.squares, self.patches)
        )
        return Draws(window, squares, patches)


def _draw(count: int, padding: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Where the window of each image begins, from the top and from the left, and whether it is
    mirrored: (count, 1) each."""
    device = generator.device
    top, left = torch.randint(0, 2 * padding + 1, (2, count, 1), generator=generator, device=device)
    flip = torch.rand(count, 1, generator=generator, device=device) < _FLIP_PROBABILITY
    return top, left, flip


def _crop_and_flip(images: Tensor, padding: int, top: Tensor, left: Tensor, flip: Tensor) -> Tensor:
    """(B, 3, H, W) → the same shape: one random window and one coin for each image."""
    count, _, height, width = images.shape
    device = images.device
    padded = torch.nn.functional.pad(images, (padding,) * 4)
    rows = top + torch.arange(height, device=device)  # (B, H)
    columns = left + torch.arange(width, device=device)  # (B, W)
    columns = torch.where(flip, columns.flip(1), columns)
    image = torch.arange(count, device=device)
    # Advanced indices around the channel slice put the channels last: (B, H, W, 3).
    window = padded[image[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    return window.permute(0, 3, 1, 2)


def _draw_squares(count: int, side: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The centre of a square in each image, from the top and from the left: (count, 1) each."""
    device = generator.device
    top = torch.randint(0, side, (count, 1), generator=generator, device=device)
    left = torch.randint(0, side, (count, 1), generator=generator, device=device)
    return top, left


def _draw_patches(
    count: int, side: int, share: float, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """The side of a patch in each image, 0 where a coin says none, and its centre: (count, 1)
    each. Its area, before the edge cuts it, is uniform up to what may be another's."""
    device = generator.device
    coin, area = torch.rand(2, count, 1, generator=generator, device=device)
    sides = (side * (area * (1 - LEAST_OWN)).sqrt()).long() * (coin < share)
    return sides, *_draw_squares(count, side, generator)


def _squares(images: Tensor, side: int | Tensor, top: Tensor, left: Tensor) -> Tensor:
    """(B, 1, H, W) bool: one square in each image (B, 3, H, W), as far as it is inside."""
    height, width = images.shape[2:]
    inside_rows = _near(top, height, side)  # (B, H)
    inside_columns = _near(left, width, side)  # (B, W)
    return inside_rows[:, None, :, None] & inside_columns[:, None, None, :]


def _near(centre: Tensor, length: int, side: int | Tensor) -> Tensor:
    """(B, 1) → (B, length) bool: the `side` places around the centre, as far as they exist."""
    first = centre - side // 2
    place = torch.arange(length, device=centre.device)
    return (place >= first) & (place < first + side)
