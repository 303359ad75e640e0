"""The images of a training run, read once for all networks that one process trains on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hydranet.checkpoints.card import check_class_names
from hydranet.data import (
    LabelledImages,
    ShardSet,
    is_class_folders,
    is_shards,
    load_images,
    load_validation,
)
from hydranet.data.folders import list_class_folders
from hydranet.data.shards import open_shards, survey
from hydranet.training.distributed import World


@dataclass(frozen=True)
class Source:
    """Where images are, and how they are read; see `load_images`."""

    data: Path
    image_size: int
    download: str | None = None
    skip_unreadable: bool = False
    workers: int = 1

    @property
    def is_streamed(self) -> bool:
        """Whether the images stay in shards, and are not held in memory."""
        return not self.download and is_shards(self.data)


@dataclass(frozen=True)
class Read:
    """How far the reading of a split is, in images."""

    split: str
    done: int
    total: int


@dataclass(frozen=True)
class Splits:
    """`validation` is None where the data set has none of its own."""

    train: LabelledImages
    validation: LabelledImages | None
    test: LabelledImages


_kept: dict[Source, Splits] = {}  # of the last source alone


def read_splits(source: Source, report: Callable[[Read], None] = lambda event: None) -> Splits:
    """All splits of a source, from memory if they were the last to be read. Of images that are
    streamed only the labels are read; see `look_at`.

    Raises:
        InputError: what `load_images` raises.
    """
    if source.is_streamed:
        return _streamed(source)
    if source not in _kept:
        _kept.clear()
        _kept[source] = Splits(
            _read(source, "train", report),
            None
            if source.download
            else load_validation(
                source.data,
                image_size=source.image_size,
                skip_unreadable=source.skip_unreadable,
            ),
            _read(source, "test", report),
        )
    return _kept[source]


def _streamed(source: Source) -> Splits:
    shards = open_shards(source.data)

    def images(split: str) -> ShardSet:
        return shards.images(split, image_size=source.image_size, workers=source.workers)

    validation = images("validation") if "validation" in shards.splits else None
    return Splits(images("train"), validation, images("test"))


def look_at(
    images: LabelledImages,
    split: str,
    source: Source,
    report: Callable[[Read], None] = lambda event: None,
    world: World | None = None,
) -> LabelledImages:
    """The images that can be read. Those in memory were read; streamed ones are now looked at, all
    of them, by the first process of the `world`.

    Raises:
        InputError: some cannot be read, and the source does not say that they are left out.
    """
    if not isinstance(images, ShardSet):
        return images
    found = (world or World()).share(
        lambda: survey(images, lambda done, total: report(Read(split, done, total)))
    )
    return images.looked_at(found, skip_unreadable=source.skip_unreadable)


def _read(source: Source, split: str, report: Callable[[Read], None]) -> LabelledImages:
    return load_images(
        source.data,
        split,
        image_size=source.image_size,
        download=source.download if split == "train" else None,
        skip_unreadable=source.skip_unreadable,
        on_progress=lambda done, total: report(Read(split, done, total)),
    )


def class_names_of(
    source: Source, report: Callable[[Read], None] = lambda event: None
) -> tuple[str, ...]:
    """The classes of a source; of class folders and of shards without reading an image.

    Raises:
        InputError: what `load_images` raises; or a card could not hold the names.
    """
    if source.is_streamed:
        names = open_shards(source.data).class_names
    elif is_class_folders(source.data, source.download):
        names = list_class_folders(source.data).class_names
    else:
        names = read_splits(source, report).train.class_names
    check_class_names(names, "The data set")
    return names
