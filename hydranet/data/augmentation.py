"""What is done at random to training images, a whole batch at a time, on the device.

Every image is padded by black pixels, cropped back to its size and mirrored half of the time; a
square of it is set to the mean colour, anywhere, also half outside (Cutout, DeVries and Taylor,
2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hydranet.data.normalisation import Normalisation

_FLIP_PROBABILITY = 0.5


@dataclass(frozen=True)
class Augmentation:
    """Pads by `padding` pixels on each side; erases a square of `erase` pixels a side, 0 for none.

    The draws are made for a whole batch, whichever `part` of it is then wanted, so that processes
    that share a batch see the draws of one that has it alone.
    """

    normalisation: Normalisation
    padding: int = 4
    erase: int = 0

    def draw(self, count: int, side: int, generator: torch.Generator) -> Draws:
        """What happens to each of `count` images of `side` pixels."""
        window = _draw(count, self.padding, generator)
        squares = _draw_squares(count, side, generator) if self.erase else ()
        return Draws(window, squares)

    def apply(self, images: Tensor, draws: Draws) -> Tensor:
        """(B, 3, H, W) uint8 → the same shape, float32, changed and normalised."""
        images = self.normalisation.apply(_crop_and_flip(images, self.padding, *draws.window))
        return _erase(images, self.erase, *draws.squares) if self.erase else images


@dataclass(frozen=True)
class Draws:
    """For each image of a batch, (B, 1) each: where its window begins, from the top and from the
    left, and whether it is mirrored; where the centre of its square is, if one is erased."""

    window: tuple[Tensor, ...]
    squares: tuple[Tensor, ...]

    def part(self, part: slice) -> Draws:
        """Those of a part of the batch."""
        return Draws(tuple(d[part] for d in self.window), tuple(d[part] for d in self.squares))


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


def _erase(images: Tensor, side: int, top: Tensor, left: Tensor) -> Tensor:
    """(B, 3, H, W) normalised → the same, zero (the mean colour) in one square of each image."""
    height, width = images.shape[2:]
    inside_rows = _near(top, height, side)  # (B, H)
    inside_columns = _near(left, width, side)  # (B, W)
    square = inside_rows[:, None, :, None] & inside_columns[:, None, None, :]  # (B, 1, H, W)
    return images.masked_fill(square, 0.0)


def _near(centre: Tensor, length: int, side: int) -> Tensor:
    """(B, 1) → (B, length) bool: the `side` places around the centre, as far as they exist."""
    first = centre - side // 2
    place = torch.arange(length, device=centre.device)
    return (place >= first) & (place < first + side)
