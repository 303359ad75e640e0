"""Where in its shards each sample lies, and its label: known from the headers, before an image is
read.

A sample is what WebDataset makes of a tar file: neighbouring files of one name up to its first dot.
Of each, one image (png, jpg, jpeg, webp) and one `cls`, the class number as text, are used. The
index takes 24 bytes a sample, whatever the size of the images.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hydranet.errors import InputError, one_line
from hydranet.intake.images import MAX_BYTES

IMAGES = ("png", "jpg", "jpeg", "webp")
LABEL = "cls"
_LABEL_BYTES = 32
_MOST_CLASSES = 2**24


# As WebDataset passes over it: what tar files say of themselves.
_META = re.compile(r"__[^/]*__($|/)")


def is_image(name: str) -> bool:
    """Whether a file in a shard is the image of its sample."""
    return _key_and_suffix(name)[1] in IMAGES


def _key_and_suffix(name: str) -> tuple[str | None, str]:
    from webdataset.tariterators import base_plus_ext

    key, suffix = base_plus_ext(name)
    return key, (suffix or "").lower()


@dataclass(frozen=True, eq=False)
class ShardIndex:
    """The M samples of `shards`, in the order in which they lie there.

    `shard` (M,) int32: the number of its shard; `offset` (M,) int64: where in it the sample
    begins; `label` (M,) int32; `draw` (M,) uint64: a number made of the sample's name alone.
    """

    shards: tuple[Path, ...]
    shard: NDArray[np.int32]
    offset: NDArray[np.int64]
    label: NDArray[np.int32]
    draw: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.label)


@dataclass
class _Sample:
    """What the headers say of one; `label`: None where there is no `cls`."""

    key: str
    offset: int
    label: int | None = None
    images: list[str] = field(default_factory=list)


def index_shards(
    shards: Sequence[Path],
    *,
    num_classes: int | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> ShardIndex:
    """Read the headers and the labels of all shards. `num_classes`: how many there are, where that
    is known. `on_progress` is told shards done and shards in all.

    Raises:
        InputError: a shard is no tar file or cut short, holds no sample, or a sample has no image,
            several, one that is too large, or no label that is a class.
    """
    most = _MOST_CLASSES if num_classes is None else num_classes
    numbers, offsets = array("i"), array("q")
    labels, draws = array("i"), array("Q")
    for number, path in enumerate(shards):
        before = len(labels)
        for sample in _samples(path):
            label = _checked(sample, path, most)
            numbers.append(number)
            offsets.append(sample.offset)
            labels.append(label)
            draws.append(
                int.from_bytes(
                    hashlib.sha256(sample.key.encode("utf-8", "surrogateescape")).digest()[:8],
                    "big",
                )
            )
        if len(labels) == before:
            raise InputError(
                f"Every shard must hold samples, an image and a .{LABEL} of one name each, but "
                f"{path} holds none. Remove it, or write it again."
            )
        on_progress(number + 1, len(shards))
    return ShardIndex(
        tuple(shards),
        np.frombuffer(numbers, np.int32),
        np.frombuffer(offsets, np.int64),
        np.frombuffer(labels, np.int32),
        np.frombuffer(draws, np.uint64),
    )


def _samples(path: Path) -> Iterator[_Sample]:
    sample: _Sample | None = None
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                tar.members = []  # type: ignore[attr-defined]  # else all of them are kept
                key, suffix = _key_and_suffix(member.name)
                if not member.isreg() or key is None or _META.match(member.name):
                    continue
                if sample is None or key != sample.key:
                    if sample is not None:
                        yield sample
                    sample = _Sample(key, member.offset)
                if suffix in IMAGES:
                    sample.images.append(suffix)
                    _check_size(member, path)
                elif suffix == LABEL:
                    sample.label = _label(tar, member, path)
            _check_end(tar)
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path} must be a whole tar file, but it cannot be read ({one_line(error)}). Copy or "
            "write it again."
        ) from None
    if sample is not None:
        yield sample


def _check_end(tar: tarfile.TarFile) -> None:
    """Raise ReadError unless the mark of the end stands where no further file does: a tar file that
    was cut short between two files, or in a header, is read without complaint."""
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    if tar.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("it is cut short, or damaged in the middle")


def _check_size(member: tarfile.TarInfo, path: Path) -> None:
    if member.size > MAX_BYTES:
        raise InputError(
            f"An image must have at most {MAX_BYTES // 2**20} MiB, but {one_line(member.name)} in "
            f"{path} has {member.size / 2**20:,.0f}. Save it smaller."
        )


def _label(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> int:
    """The whole number in a `cls` file."""
    file = tar.extractfile(member) if member.size <= _LABEL_BYTES else None
    content = file.read().strip() if file is not None else b"?"
    if not content.isdigit():
        shown = one_line(content.decode("utf-8", "replace"))
        raise InputError(
            f"A label must be the number of a class, from 0, but {one_line(member.name)} in {path} "
            f"holds {shown!r}. Write the shards again."
        )
    return int(content)


def _checked(sample: _Sample, path: Path, most: int) -> int:
    """The label of a sample that can be used."""
    where = f"{one_line(sample.key)} in {path}"
    if len(sample.images) != 1:
        found = " and ".join(sample.images) if sample.images else "none"
        raise InputError(
            f"A sample must have one image ({', '.join(IMAGES)}), but {where} has {found}. Write "
            "the shards again."
        )
    if sample.label is None:
        raise InputError(
            f"A sample must have its class number in a .{LABEL} file beside its image, but {where} "
            "has none. Write the shards again."
        )
    if sample.label >= most:
        raise InputError(
            f"The labels must lie in 0 to {most - 1}, one for each class name, but that of {where} "
            f"is {sample.label}. Mend the class names or write the shards again."
        )
    return sample.label
