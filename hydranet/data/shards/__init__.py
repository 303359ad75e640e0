"""Data sets as WebDataset shards: tar files on a disk that are streamed, and never held in memory.

WebDataset gives whole shards to each process, which differ in size, and its own way out is to draw
them with replacement. Here an index of the samples is made first, so that every image is read once
an epoch, all processes take equally many steps, and what can be wrong is known before training.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from hydranet.data.dataset import LabelledImages, Statistics
from hydranet.data.folders import TEST_SHARE, unreadable_images
from hydranet.data.shards.files import (
    CLASS_NAMES,
    ShardFiles,
    find_shards,
    is_shards,
    read_class_names,
)
from hydranet.data.shards.index import ShardIndex, index_shards
from hydranet.data.shards.reading import ReadingFailed, pieces_of, read_pieces
from hydranet.data.shards.survey import Survey, survey
from hydranet.errors import InputError

OnProgress = Callable[[int, int], None]

__all__ = ["ReadingFailed", "ShardSet", "Shards", "is_shards", "open_shards", "survey"]


@dataclass(frozen=True, eq=False)
class ShardSet(LabelledImages):
    """Images in shards, of which only the labels and the places are held in memory.

    `rows`, (M,) int64: which samples of `index` they are; `image_size`: side of the squares that
    they are fitted to; `workers`: processes that read them beside this one. `survey`: what a look
    at all of them gave; see `looked_at`.
    """

    name: str
    index: ShardIndex
    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    image_size: int
    workers: int = 1
    survey: Survey | None = None
    superclasses: tuple[int, ...] | None = None

    @property
    def side(self) -> int:
        """Of the square images, in pixels."""
        return self.image_size

    @property
    def sha256(self) -> str:
        """That of an `ImageSet` with the same pixels and labels in the same order."""
        return self._survey.sha256

    def channel_statistics(self) -> Statistics:
        """Mean and standard deviation of each channel, in units of full scale (0 to 1)."""
        return self._survey.statistics()

    @property
    def _survey(self) -> Survey:
        if self.survey is not None:
            return self.survey
        found = self.looked_at(survey(self)).survey
        assert found is not None, "that is what a look gives"
        return found

    def looked_at(self, found: Survey, *, skip_unreadable: bool = False) -> Self:
        """The images that can be read, after a look at all of them.

        Raises:
            InputError: some cannot be read, and they are not to be left out; or none can.
        """
        if found.unreadable and not skip_unreadable:
            raise unreadable_images(list(found.unreadable.values()), len(self))
        if len(found.unreadable) == len(self):
            raise InputError(f"None of the {len(self):,} images of {self.name} can be read.")
        readable = np.setdiff1d(np.arange(len(self)), list(found.unreadable))
        return replace(self.subset(readable), survey=replace(found, unreadable={}))

    def pixels(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The images at `indices`, read now: (n, side, side, 3)."""
        rows = self.rows[indices]
        parts = read_pieces(
            self.index, rows, pieces_of(self.index, rows), side=self.side, workers=0
        )
        found = []
        for part in parts:
            if part.unreadable:
                raise ReadingFailed(next(iter(part.unreadable.values())))
            found.append(part.pixels)
        return np.concatenate(found)

    def subset(self, indices: NDArray[np.int64]) -> Self:
        """The images at `indices`, in that order."""
        return replace(self, rows=self.rows[indices], labels=self.labels[indices], survey=None)


@dataclass(frozen=True, eq=False)
class Shards:
    """A data set of shards: its class names, and which samples each split has."""

    name: str
    class_names: tuple[str, ...]
    splits: dict[str, tuple[ShardIndex, NDArray[np.int64]]]

    def images(self, split: str, *, image_size: int, workers: int = 1) -> ShardSet:
        """The images of a split ("train", "validation", "test").

        Raises:
            InputError: there is no such split.
        """
        if split not in self.splits:
            raise InputError(
                f"{self.name} has no shards of the split {split!r}; it has those of "
                f"{', '.join(self.splits)}. Name them {split}-000000.tar and so on."
            )
        index, rows = self.splits[split]
        labels = index.label[rows].astype(np.int64)
        return ShardSet(self.name, index, rows, labels, self.class_names, image_size, workers)


def open_shards(path: Path, on_progress: OnProgress = lambda done, total: None) -> Shards:
    """The data set in the shards at `path`, from their headers and labels; no image is read.

    The names of the shards say their splits. Shards of validation are the test split where there
    is no other. Where no name says a split, a fifth of each class is the test split, drawn by the
    samples' names as of a folder of class folders. Class names stand in `classnames.txt`, a line
    each; without it classes have the numbers of their labels as names.

    `on_progress` is told shards read and shards in all.

    Raises:
        InputError: what `find_shards`, `read_class_names` and `index_shards` raise; or there are
            fewer than two classes.
    """
    files = find_shards(path)
    names = read_class_names(files)
    key = (
        files.root,
        tuple(files.splits),
        names,
        *(_state(shard) for part in files.splits.values() for shard in part),
    )
    if key not in _opened:
        _opened.clear()
        _opened[key] = _open(files, names, on_progress)
    return _opened[key]


_opened: dict[tuple[object, ...], Shards] = {}  # the last alone


def _state(shard: Path) -> tuple[Path, int, int]:
    state = shard.stat()
    return shard, state.st_size, state.st_mtime_ns


def _open(files: ShardFiles, names: tuple[str, ...] | None, on_progress: OnProgress) -> Shards:
    parts = dict(files.splits)
    if "test" not in parts and "validation" in parts:
        parts["test"] = parts.pop("validation")
    first = next(split for split in ("", "train", *parts) if split in parts)
    total, before = sum(map(len, parts.values())), 0
    found: dict[str, ShardIndex] = {}
    for split in sorted(parts, key=lambda split: split != first):  # it says how many classes
        most = len(names) if names else None
        found[split] = index_shards(
            parts[split],
            num_classes=most,
            on_progress=lambda done, _, before=before: on_progress(before + done, total),  # type: ignore[misc]
        )
        before += len(parts[split])
        names = names or tuple(str(c) for c in range(int(found[split].label.max()) + 1))
    assert names is not None, "there is a shard, and it holds a sample"
    if len(names) < 2:
        raise InputError(
            f"{files.name} must have at least two classes, but its labels name 1. Each class is a "
            f"line of {CLASS_NAMES}, or a number from 0."
        )
    if first in ("", "train") and "test" not in found:
        train, test = _drawn(found[first], names)
        return Shards(
            files.name, names, {"train": (found[first], train), "test": (found[first], test)}
        )
    splits = {split: (index, np.arange(len(index))) for split, index in found.items()}
    return Shards(files.name, names, splits)


def _drawn(
    index: ShardIndex, names: tuple[str, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows of a training and of a test split, each with a share of every class."""
    counts = np.bincount(index.label, minlength=len(names))
    if (alone := np.flatnonzero(counts == 1)).size:
        raise InputError(
            f"The class {names[alone[0]]!r} has one image; at least two are needed, one to train "
            "on and one to test on."
        )
    order = np.lexsort((index.draw, index.label))
    place = np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)  # in its class
    wanted = np.maximum(1, np.round(TEST_SHARE * counts))
    is_test = place < np.repeat(wanted, counts)
    return np.sort(order[~is_test]), np.sort(order[is_test])
