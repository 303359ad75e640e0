"""Samples of shards → squares of pixels, piece by piece, in processes beside the one that trains.

A piece is a few neighbouring samples of one shard, so that a disk is read in long stretches.
PyTorch's DataLoader hands pieces to its processes and gives them back in the order of the pieces,
so what is read does not depend on how many processes there are. Files are read and put together to
samples by WebDataset, and decoded as a stranger's picture is.

They are forked by a server that has no threads, never by this process: a fork while another thread
begins or ends may wait for ever, since CPython's list of threads is locked in the child
(`_PyThreadState_DeleteExcept` in Python 3.11); threads of gloo and NCCL do not survive one either.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from multiprocessing.context import BaseContext
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hydranet.data.resize import fit_square
from hydranet.data.shards.index import IMAGES, ShardIndex, is_image
from hydranet.errors import InputError, one_line
from hydranet.intake.images import decode_image

PIECE = 64
"""Most samples of a piece."""


class ReadingFailed(InputError):
    """Images that could be read before cannot be any more. It comes to one process of several that
    train together, and the others do not know of it."""


@dataclass
class Piece:
    """What was read of a piece: `pixels` (n, side, side, 3) uint8 of the samples at `places`, (n,);
    `unreadable`: for each other place the reason."""

    places: NDArray[np.int64]
    pixels: NDArray[np.uint8]
    unreadable: dict[int, str] = field(default_factory=dict)


def pieces_of(index: ShardIndex, rows: NDArray[np.int64]) -> list[slice]:
    """`rows` of the index, in order → slices of at most `PIECE` of them, each of one shard."""
    ends = np.flatnonzero(np.diff(index.shard[rows])) + 1
    starts = [0, *ends.tolist(), len(rows)]
    return [
        slice(at, min(at + PIECE, stop))
        for start, stop in pairwise(starts)
        for at in range(start, stop, PIECE)
    ]


def read_pieces(
    index: ShardIndex,
    rows: NDArray[np.int64],
    pieces: Sequence[slice],
    *,
    side: int,
    workers: int,
) -> Iterator[Piece]:
    """Read pieces of `rows` in their order; with `workers` 0 in this process.

    Raises:
        ReadingFailed: a process that reads was ended from outside.
    """
    from torch.utils.data import DataLoader

    workers = min(workers, len(pieces))
    loader: DataLoader[Piece] = DataLoader(
        _Samples(index, rows, side),  # type: ignore[arg-type]  # no torch where nothing is read
        sampler=pieces,
        batch_size=None,
        num_workers=workers,
        multiprocessing_context=_server() if workers else None,
        collate_fn=_as_it_is,  # type: ignore[arg-type]  # one piece, not a list of them
    )
    try:
        yield from loader
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise ReadingFailed(
            f"A process that reads images was ended from outside ({one_line(error)}), often for "
            "want of memory. Try fewer --workers; --resume goes on from the last whole epoch."
        ) from None


def _server() -> BaseContext:
    """What forks the processes that read: begun once, with all that they import. Where the system
    cannot fork, each is begun anew."""
    from torch.multiprocessing import get_all_start_methods, get_context

    context = get_context("forkserver" if "forkserver" in get_all_start_methods() else "spawn")
    context.set_forkserver_preload(["__main__", "torch.utils.data", __name__])
    return context


def _as_it_is(piece: Piece) -> Piece:
    """Arrays go through a pipe: shared memory is small in many containers."""
    return piece


class _Samples:
    """Reads one piece when asked to, in whichever process that is: a data set of pieces."""

    def __init__(self, index: ShardIndex, rows: NDArray[np.int64], side: int) -> None:
        self.index, self.rows, self.side = index, rows, side

    def __getitem__(self, piece: slice) -> Piece:
        places, rows = np.arange(piece.start, piece.stop), self.rows[piece]
        path = self.index.shards[self.index.shard[rows[0]]]
        pixels = np.empty((len(rows), self.side, self.side, 3), np.uint8)
        unreadable: dict[int, str] = {}
        for at, found in zip(range(len(rows)), self._files(path, rows), strict=True):
            try:
                if isinstance(found, str):
                    raise InputError(found)
                name, content = found
                pixels[at] = fit_square(decode_image(content, name=name), self.side)
            except InputError as error:
                unreadable[int(places[at])] = f"{path}: {error}"
        if not unreadable:
            return Piece(places, pixels)
        readable = np.array([place not in unreadable for place in places.tolist()], np.bool_)
        return Piece(places[readable], pixels[readable], unreadable)

    def _files(self, path: Path, rows: NDArray[np.int64]) -> Iterator[tuple[str, bytes] | str]:
        """The name and the bytes of each image, or the reason why it cannot be had."""
        begins = [0, *(np.flatnonzero(np.diff(rows) != 1) + 1).tolist(), len(rows)]
        for begin, end in pairwise(begins):  # neighbours are read in one go
            count, offset = end - begin, int(self.index.offset[rows[begin]])
            try:
                files = list(_images(path, offset, count))
            except (tarfile.TarError, OSError, EOFError, ValueError) as error:
                yield from [f"The shard cannot be read: {one_line(error)}."] * count
                continue
            yield from files
            yield from ["The image is not there any more."] * (count - len(files))


def _images(path: Path, offset: int, count: int) -> Iterator[tuple[str, bytes]]:
    """The images of the next `count` samples from a place in a shard."""
    from webdataset.tariterators import group_by_keys, tar_file_iterator

    with path.open("rb") as stream:
        stream.seek(offset)
        files = tar_file_iterator(stream, select_files=is_image)
        samples = group_by_keys({**file, "__url__": str(path)} for file in files)
        for sample in islice(samples, count):
            kind = next(kind for kind in IMAGES if kind in sample)
            yield f"{sample['__key__']}.{kind}", sample[kind]
