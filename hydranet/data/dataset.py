"""Labelled images: what every data set can say of itself, and one that is held in memory."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from hydranet.errors import InputError

Statistics = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation of each channel, in units of full scale (0 to 1)."""


_COUNTED = 256
"""Images of which the levels are counted at once: NumPy needs eight bytes for each pixel then."""


def empty_histogram() -> NDArray[np.int64]:
    """Of no pixel yet: (3, 256), how often a channel has a level."""
    return np.zeros((3, 256), np.int64)


def add_to_histogram(histogram: NDArray[np.int64], pixels: NDArray[np.uint8]) -> None:
    """Count the levels of (M, H, W, 3), in place."""
    for channel in range(3):
        histogram[channel] += np.bincount(pixels[..., channel].ravel(), minlength=256)


def statistics_of(histogram: NDArray[np.int64]) -> Statistics:
    """Of the pixels that a histogram counts."""
    levels = np.arange(256) / 255
    means, deviations = [], []
    for counts in histogram:
        share = counts / counts.sum()
        mean = float(share @ levels)
        means.append(round(mean, 6))
        deviations.append(round(float(share @ (levels - mean) ** 2) ** 0.5, 6))
    return tuple(means), tuple(deviations)


class LabelledImages(ABC):
    """M images with their classes, seen as squares of one size.

    `labels`: (M,) int64 in [0, C); `class_names`: C of them. `superclasses`: where the data set
    groups its classes, the group of each of the C classes.
    """

    name: str
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    superclasses: tuple[int, ...] | None

    @property
    @abstractmethod
    def side(self) -> int:
        """Of the square images, in pixels."""

    @property
    @abstractmethod
    def sha256(self) -> str:
        """Of all pixels and labels in their order: says whether two runs saw the same data."""

    @abstractmethod
    def channel_statistics(self) -> Statistics:
        """Mean and standard deviation of each channel, in units of full scale (0 to 1)."""

    @abstractmethod
    def pixels(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The images at `indices`: (n, H, W, 3)."""

    @abstractmethod
    def subset(self, indices: NDArray[np.int64]) -> Self:
        """The images at `indices`, in that order."""

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def num_classes(self) -> int:
        """C."""
        return len(self.class_names)

    def check_every_class_has_images(self) -> None:
        """Raise InputError that names the first class without an image."""
        counts = np.bincount(self.labels, minlength=self.num_classes)
        if empty := [self.class_names[c] for c in np.flatnonzero(counts == 0)]:
            others = f" and {len(empty) - 1} more" if len(empty) > 1 else ""
            raise InputError(
                f"Every class needs at least one image, but in {self.name} the class "
                f"{empty[0]!r}{others} has none. Add images or remove the class."
            )

    def split(self, images: int, *, seed: int) -> tuple[Self, Self]:
        """(rest, held out): `images` of them held out, the same share of every class.

        Where there is room, at least one image of every class stays in the rest.

        Raises:
            InputError: nothing would be left in either part.
        """
        if not 0 < images < len(self):
            raise InputError(
                f"A split must hold out from 1 to {len(self) - 1} of {len(self)} images, "
                f"not {images}."
            )
        order = np.random.default_rng(seed).permutation(len(self))
        counts = np.bincount(self.labels, minlength=self.num_classes)
        place = np.empty(len(self))  # in `order`, as a share of the images of its class
        seen = np.zeros(self.num_classes, np.int64)
        for index in order:
            label = self.labels[index]
            seen[label] += 1
            is_last = seen[label] == counts[label]
            place[index] = np.inf if is_last else seen[label] / counts[label]
        by_place = order[np.argsort(place[order], kind="stable")]
        return self.subset(np.sort(by_place[images:])), self.subset(np.sort(by_place[:images]))


@dataclass(frozen=True)
class ImageSet(LabelledImages):
    """Images of one size, held in memory as bytes.

    `images`: (M, H, W, 3) uint8 RGB; the rest as in `LabelledImages`.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    superclasses: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if len(self.images) == 0:
            raise InputError(f"{self.name} holds no image.")
        if len(self.images) != len(self.labels):
            raise InputError(
                f"{self.name} has {len(self.images)} images but {len(self.labels)} labels."
            )
        low, high = int(self.labels.min()), int(self.labels.max())
        if low < 0 or high >= len(self.class_names):
            raise InputError(
                f"The labels of {self.name} must lie in 0 to {len(self.class_names) - 1}, one for "
                f"each class name, but they run from {low} to {high}."
            )

    @property
    def side(self) -> int:
        """Of the square images, in pixels."""
        return self.images.shape[1]

    @cached_property
    def sha256(self) -> str:
        """Of all pixels and labels in their order: says whether two runs saw the same data."""
        digest = hashlib.sha256(np.ascontiguousarray(self.images).data)
        digest.update(np.ascontiguousarray(self.labels.astype("<i8")).data)
        return digest.hexdigest()

    def channel_statistics(self) -> Statistics:
        """Mean and standard deviation of each channel, in units of full scale (0 to 1)."""
        histogram = empty_histogram()
        for start in range(0, len(self.images), _COUNTED):
            add_to_histogram(histogram, self.images[start : start + _COUNTED])
        return statistics_of(histogram)

    def pixels(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The images at `indices`: (n, H, W, 3)."""
        return self.images[indices]

    def subset(self, indices: NDArray[np.int64]) -> Self:
        """The images at `indices`, in that order."""
        return replace(self, images=self.images[indices], labels=self.labels[indices])
