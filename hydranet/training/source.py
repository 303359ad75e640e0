"""The images of a training run, read once for all networks that one process trains on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hydranet.data import ImageSet, is_class_folders, load_images, load_validation
from hydranet.data.folders import list_class_folders


@dataclass(frozen=True)
class Source:
    """Where images are, and how they are read; see `load_images`."""

    data: Path
    image_size: int
    download: str | None = None
    skip_unreadable: bool = False


@dataclass(frozen=True)
class Read:
    """How far the reading of a split is, in images."""

    split: str
    done: int
    total: int


@dataclass(frozen=True)
class Splits:
    """`validation` is None where the data set has none of its own."""

    train: ImageSet
    validation: ImageSet | None
    test: ImageSet


_kept: dict[Source, Splits] = {}  # of the last source alone


def read_splits(source: Source, report: Callable[[Read], None] = lambda event: None) -> Splits:
    """All splits of a source, from memory if they were the last to be read.

    Raises:
        InputError: what `load_images` raises.
    """
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


def _read(source: Source, split: str, report: Callable[[Read], None]) -> ImageSet:
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
    """The classes of a source; of class folders without reading an image.

    Raises:
        InputError: what `load_images` raises.
    """
    if is_class_folders(source.data, source.download):
        return list_class_folders(source.data).class_names
    return read_splits(source, report).train.class_names
