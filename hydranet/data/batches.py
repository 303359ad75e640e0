"""Batches from an image set that lies on the training device as bytes.

The set is copied to the device once; shuffling, cropping, flipping and normalising are done there,
a whole batch at a time. There are no worker processes to feed and nothing to decode.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from hydranet.config import ArchitectureConfig
from hydranet.data.dataset import ImageSet
from hydranet.data.normalisation import Normalisation
from hydranet.errors import InputError

_FLIP_PROBABILITY = 0.5
_MOST_IMAGES = 250
_MOST_PIXELS = 2**21
_MOST_LOGITS = 2**23


def evaluation_batch(config: ArchitectureConfig) -> int:
    """How many images a network runs at a time where nothing is learned.

    250, or fewer where they are large, or where the logits of every k, of which there are as many
    as branches times classes, would take much memory.
    """
    logits = config.num_classes * getattr(config, "num_branches", 1)
    at_most = min(_MOST_PIXELS // config.image_size**2, _MOST_LOGITS // logits, _MOST_IMAGES)
    return max(1, at_most)


class Batch(NamedTuple):
    """`images`: (B, 3, H, W) float32, normalised; `labels`: (B,) int64; `rows`: (B,) int64, which
    images of the set they are."""

    images: Tensor
    labels: Tensor
    rows: Tensor


class Batches:
    """An image set on a device, read in batches of normalised images and labels."""

    def __init__(
        self, source: ImageSet, normalisation: Normalisation, *, device: torch.device | str = "cpu"
    ) -> None:
        self.images = torch.from_numpy(source.images).to(device).permute(0, 3, 1, 2)
        self.labels = torch.from_numpy(source.labels).to(device)
        self.normalisation = normalisation
        self.num_classes = source.num_classes

    def __len__(self) -> int:
        return len(self.labels)

    def in_order(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Every image once, in order, as it is: (B, 3, H, W) float32 and (B,) int64."""
        for images, labels in zip(
            self.images.split(batch_size), self.labels.split(batch_size), strict=True
        ):
            yield self.normalisation.apply(images), labels

    def shuffled(
        self,
        batch_size: int,
        *,
        seed: int,
        padding: int = 4,
        erase: int = 0,
        rank: int = 0,
        ranks: int = 1,
    ) -> Iterator[Batch]:
        """Full batches in random order, each image cropped and flipped at random.

        Every image is padded by `padding` black pixels, cropped back to its size and mirrored half
        of the time; a square of `erase` pixels a side is set to the mean colour, anywhere, also
        half outside (Cutout, DeVries and Taylor, 2017). The images of an incomplete last batch are
        left out. The same `seed` gives the same batches on the same device. Of `ranks` processes
        that share the work, the one numbered `rank` gets its part of each batch: together they see
        what one process sees alone.

        Raises:
            InputError: a batch cannot be shared evenly.
        """
        batch_size = min(batch_size, len(self))
        if batch_size % ranks:
            raise InputError(
                f"A batch must be shared evenly by {ranks} processes, but has {batch_size} images. "
                f"Choose a batch size that {ranks} divides."
            )
        part = slice(rank * batch_size // ranks, (rank + 1) * batch_size // ranks)
        device = self.labels.device
        generator = torch.Generator(device).manual_seed(seed)
        order = torch.randperm(len(self), generator=generator, device=device)
        for rows in order.split(batch_size):
            if len(rows) < batch_size:
                return
            draws = _draw(batch_size, padding, generator)
            squares = _draw_squares(batch_size, self.images.shape[2:], generator) if erase else ()
            rows = rows[part]
            images = _crop_and_flip(self.images[rows], padding, *(draw[part] for draw in draws))
            images = self.normalisation.apply(images)
            if erase:
                images = _erase(images, erase, *(draw[part] for draw in squares))
            yield Batch(images, self.labels[rows], rows)


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


def _draw_squares(
    count: int, size: tuple[int, ...], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """The centre of a square in each image, from the top and from the left: (count, 1) each."""
    height, width = size
    device = generator.device
    top = torch.randint(0, height, (count, 1), generator=generator, device=device)
    left = torch.randint(0, width, (count, 1), generator=generator, device=device)
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
