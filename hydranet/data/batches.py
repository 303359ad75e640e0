"""Batches of labelled images, shuffled, cropped, flipped and normalised on the device."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from hydranet.config import ArchitectureConfig
from hydranet.data.augmentation import Augmentation
from hydranet.data.dataset import ImageSet, LabelledImages
from hydranet.data.normalisation import Normalisation
from hydranet.errors import InputError

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
    images of the set they are; `own`: (B,) float32, what of each is not of the one before it."""

    images: Tensor
    labels: Tensor
    rows: Tensor
    own: Tensor


class LabelledBatches(ABC):
    """Labelled images on a device, read in batches of normalised images and labels.

    Of `ranks` processes that share the work, the one numbered `rank` gets its part.
    """

    normalisation: Normalisation
    num_classes: int

    @abstractmethod
    def __len__(self) -> int:
        """How many images there are."""

    @abstractmethod
    def in_order(
        self, batch_size: int, *, rank: int = 0, ranks: int = 1
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Every image once, in order, as it is: (B, 3, H, W) float32 and (B,) int64."""

    @abstractmethod
    def shuffled(
        self, batch_size: int, *, seed: int, padding: int = 4, erase: int = 0,
        cutmix: float = 0.0, rank: int = 0, ranks: int = 1,
    ) -> Iterator[Batch]:  # fmt: skip
        """Full batches in random order, each image changed at random; see `Augmentation`.

        The images of an incomplete last batch are left out. The same `seed` gives the same batches
        on the same device.

        Raises:
            InputError: a batch cannot be shared evenly.
        """


def batches_of(
    images: LabelledImages, normalisation: Normalisation, *, device: torch.device | str = "cpu"
) -> LabelledBatches:
    """Batches of images that are in memory, or of those that are streamed from shards."""
    if isinstance(images, ImageSet):
        return Batches(images, normalisation, device=device)
    from hydranet.data.shards import ShardSet
    from hydranet.data.streaming import StreamedBatches

    assert isinstance(images, ShardSet), "there is no third kind"
    return StreamedBatches(images, normalisation, device=device)


def part_of(batch_size: int, rank: int, ranks: int) -> slice:
    """Which images of a batch a process gets.

    Raises:
        InputError: a batch cannot be shared evenly.
    """
    if batch_size % ranks:
        raise InputError(
            f"A batch must be shared evenly by {ranks} processes, but has {batch_size} images. "
            f"Choose a batch size that {ranks} divides."
        )
    return slice(rank * batch_size // ranks, (rank + 1) * batch_size // ranks)


def share_of(images: int, rank: int, ranks: int) -> tuple[int, int]:
    """Where the neighbouring images of a process begin and end; shares differ by at most one."""
    return rank * images // ranks, (rank + 1) * images // ranks


class Batches(LabelledBatches):
    """Of an image set that lies on the training device as bytes: it is copied there once, and
    there are no worker processes to feed and nothing to decode. Together, processes that share
    batches see what one process sees alone, but for patches: each pastes from its own part."""

    def __init__(
        self, source: ImageSet, normalisation: Normalisation, *, device: torch.device | str = "cpu"
    ) -> None:
        self.images = torch.from_numpy(source.images).to(device).permute(0, 3, 1, 2)
        self.labels = torch.from_numpy(source.labels).to(device)
        self.normalisation = normalisation
        self.num_classes = source.num_classes

    def __len__(self) -> int:
        return len(self.labels)

    def in_order(
        self, batch_size: int, *, rank: int = 0, ranks: int = 1
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """See `LabelledBatches`."""
        begin, end = share_of(len(self), rank, ranks)
        for at in range(begin, end, batch_size):
            part = slice(at, min(at + batch_size, end))
            yield self.normalisation.apply(self.images[part]), self.labels[part]

    def shuffled(
        self, batch_size: int, *, seed: int, padding: int = 4, erase: int = 0,
        cutmix: float = 0.0, rank: int = 0, ranks: int = 1,
    ) -> Iterator[Batch]:  # fmt: skip
        """See `LabelledBatches`."""
        batch_size = min(batch_size, len(self))
        part = part_of(batch_size, rank, ranks)
        device = self.labels.device
        change = Augmentation(self.normalisation, padding, erase, cutmix)
        generator = torch.Generator(device).manual_seed(seed)
        order = torch.randperm(len(self), generator=generator, device=device)
        for rows in order.split(batch_size):
            if len(rows) < batch_size:
                return
            draws = change.draw(batch_size, self.images.shape[2], generator).part(part)
            rows = rows[part]
            images, own = change.apply(self.images[rows], draws)
            yield Batch(images, self.labels[rows], rows, own)
