"""A labelled image set, held in memory as bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hydranet.errors import InputError


@dataclass(frozen=True)
class ImageSet:
    """M images of one size with their classes.

    `images`: (M, H, W, 3) uint8 RGB; `labels`: (M,) int64 in [0, C); `class_names`: C of them.
    `superclasses`: where the data set groups its classes, the group of each of the C classes.
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

    def __len__(self) -> int:
        return len(self.images)

    @property
    def num_classes(self) -> int:
        """C."""
        return len(self.class_names)

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

    def channel_statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of each channel, in units of full scale (0 to 1)."""
        levels = np.arange(256) / 255
        means, deviations = [], []
        for channel in range(3):
            counts = np.bincount(self.images[..., channel].ravel(), minlength=256)
            share = counts / counts.sum()
            mean = float(share @ levels)
            means.append(round(mean, 6))
            deviations.append(round(float(share @ (levels - mean) ** 2) ** 0.5, 6))
        return tuple(means), tuple(deviations)

    def check_every_class_has_images(self) -> None:
        """Raise InputError that names the first class without an image."""
        counts = np.bincount(self.labels, minlength=self.num_classes)
        if empty := [self.class_names[c] for c in np.flatnonzero(counts == 0)]:
            others = f" and {len(empty) - 1} more" if len(empty) > 1 else ""
            raise InputError(
                f"Every class needs at least one image, but in {self.name} the class "
                f"{empty[0]!r}{others} has none. Add images or remove the class."
            )

    def subset(self, indices: NDArray[np.int64]) -> ImageSet:
        """The images at `indices`, in that order."""
        return replace(self, images=self.images[indices], labels=self.labels[indices])

    def split(self, images: int, *, seed: int) -> tuple[ImageSet, ImageSet]:
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
