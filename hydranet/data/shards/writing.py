"""Shards from a folder of class folders or of Parquet files, by WebDataset's own writer.

Files are copied as they are, and not decoded. Those of class folders are written in random order,
since a stretch of a shard is read at a time and should hold many classes; rows stay in theirs.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from hydranet.data.cifar import is_cifar_folder
from hydranet.data.folders import list_class_folders, unreadable_images
from hydranet.data.parquet import EncodedParquet, is_parquet_folder
from hydranet.data.shards.files import CLASS_NAMES, is_shards, names_in
from hydranet.data.shards.index import LABEL
from hydranet.errors import InputError
from hydranet.files import PART, remove_abandoned
from hydranet.intake.image_files import kind_of
from hydranet.intake.images import MAX_BYTES

_ENDINGS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}
_SPLITS = ("train", "validation", "test")

Encoded = tuple[str, bytes, int]
"""The name of an image, for a person; its file; its class."""


@dataclass(frozen=True)
class Written:
    """How many shards and images there are of a split."""

    shards: int
    images: int


@dataclass(frozen=True)
class _Split:
    images: int
    encoded: Callable[[], Iterator[Encoded]]


def write_shards(
    data: Path,
    out: Path,
    *,
    megabytes: int = 256,
    seed: int = 0,
    skip_unreadable: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Written]:
    """Write the splits of a data set as shards of about `megabytes` into the new folder `out`.

    Where class folders have no splits, they get those that `hydranet train` would draw. `seed`: of
    their order. `skip_unreadable`: leave out files that are no pictures by their first bytes.
    `on_progress` is told images written and images in all.

    Raises:
        InputError: `out` has something in it or cannot be written; what is at `data` is neither
            kind, or not as it must be; or files are no pictures. Nothing is left at `out` then.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(
            f"The shards need a folder of their own, but there is something in {out}. Choose "
            "another --out."
        )
    class_names, splits = _splits(data, seed)
    if names_in(_lines(class_names), data) != class_names:
        raise InputError(
            f"Every class of {data} must have a name on one line, without spaces at its ends, to "
            "stand in the shards' list of names. Rename those that do not."
        )
    total, done = sum(split.images for split in splits.values()), 0
    written, reasons = {}, []
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(out.parent)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=PART) as folder:
            whole = Path(folder, "whole")
            whole.mkdir()
            for name, split in splits.items():
                images = 0
                with _writer(whole, name, megabytes) as writer:
                    for place, (shown, content, label) in enumerate(split.encoded()):
                        done += 1
                        on_progress(done, total)
                        if reason := _why_not(shown, content):
                            reasons.append(reason)
                            continue
                        images += 1
                        ending = _ENDINGS[kind_of(content) or "PNG"]
                        sample = {ending: content, LABEL: str(label).encode()}
                        writer.write({"__key__": f"{place:08}", **sample})
                written[name] = Written(len(list(whole.glob(f"{name}-*.tar"))), images)
            if reasons and not skip_unreadable:
                raise unreadable_images(reasons, total)
            (whole / CLASS_NAMES).write_text(_lines(class_names), "utf-8")
            if out.exists():
                out.rmdir()
            os.replace(whole, out)
    except OSError as error:
        raise InputError(f"The shards could not be written to {out}: {error.strerror}.") from None
    return written


def _writer(folder: Path, split: str, megabytes: int):  # type: ignore[no-untyped-def]  # WebDataset's
    from webdataset import ShardWriter

    return ShardWriter(
        f"{str(folder).replace('%', '%%')}/{split}-%06d.tar",
        maxcount=10**9, maxsize=megabytes * 10**6, verbose=0, encoder=False,
        mtime=0, mode=0o644, user="", group="",
    )  # fmt: skip


def _why_not(shown: str, content: bytes) -> str:
    """Why a file is no picture that will be read, or nothing."""
    if kind_of(content) is None:
        return f"{shown} must be a PNG, JPEG or WebP picture, but it is none."
    if len(content) > MAX_BYTES:
        return f"{shown} must have at most {MAX_BYTES // 2**20} MiB, but it has more."
    return ""


def _lines(class_names: tuple[str, ...]) -> str:
    return "".join(f"{name}\n" for name in class_names)


def _splits(data: Path, seed: int) -> tuple[tuple[str, ...], dict[str, _Split]]:
    """The class names, and what is in each split."""
    if not data.is_dir():
        raise InputError(f"There is no folder {data}. Name the folder that holds the data set.")
    if is_parquet_folder(data):
        tables = EncodedParquet(data)
        return tables.class_names, {
            split: _Split(tables.images(split), partial(tables.encoded, split))
            for split in _SPLITS
            if tables.has(split)
        }
    if (holds_shards := is_shards(data)) or is_cifar_folder(data):
        raise InputError(
            f"Shards are made of Parquet files or of a folder for each class, but {data} holds "
            f"{'shards already' if holds_shards else 'the CIFAR files of torchvision'}."
        )
    listed = list_class_folders(data)

    def encoded(split: str) -> Iterator[Encoded]:
        paths, labels = listed.files(split)
        for row in np.random.default_rng(seed).permutation(len(paths)).tolist():
            yield str(paths[row]), paths[row].read_bytes(), labels[row]

    return listed.class_names, {
        split: _Split(len(listed.files(split)[0]), partial(encoded, split))
        for split in _SPLITS
        if split in listed.splits
    }
