"""What is to be routed, cut into the parts that `hydranet.bulk.parts` would write. Light: no Ray.

Counting asks each table and archive for its list, none of its images: an image gets its number
before anything is routed, whoever routes it, and batches are those of a single process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from hydranet.bulk.batch import RUN
from hydranet.bulk.remote import Place
from hydranet.bulk.sources import count_of, files, is_picture
from hydranet.errors import InputError, one_line

_ASKED_AT_ONCE = 16


@dataclass(frozen=True)
class Piece:
    """Images `start` to before `stop` of one file."""

    file: Place
    start: int
    stop: int


@dataclass(frozen=True)
class Part:
    """Images of part `number`, from number `first` of all on, in `pieces`."""

    number: int
    first: int
    pieces: tuple[Piece, ...]

    @property
    def images(self) -> int:
        """How many it has."""
        return sum(piece.stop - piece.start for piece in self.pieces)

    def runs(self) -> Iterator[Part]:
        """The same images, a run at a time: no batch has images of two runs."""
        for number, pieces in enumerate(_cut(self.pieces, RUN)):
            yield Part(self.number, self.first + number * RUN, pieces)


@dataclass(frozen=True)
class Plan:
    """All `files` with their number of images each, in parts of `part_images`."""

    files: tuple[Place, ...]
    counts: tuple[int, ...]
    part_images: int

    @property
    def images(self) -> int:
        """How many there are in all."""
        return sum(self.counts)

    @property
    def digest(self) -> str:
        """SHA-256 of the names of all files and how many images each has."""
        found = hashlib.sha256()
        for file, count in zip(self.files, self.counts, strict=True):
            found.update(f"{count} {file}\n".encode(errors="surrogateescape"))
        return found.hexdigest()

    def sizes(self) -> dict[int, int]:
        """Images of each part."""
        last, rest = divmod(self.images, self.part_images)
        return dict.fromkeys(range(last), self.part_images) | ({last: rest} if rest else {})

    def parts(self, without: Collection[int] = ()) -> Iterator[Part]:
        """The parts in their order, but for the numbers `without`."""
        whole = (Piece(file, 0, count) for file, count in zip(self.files, self.counts, strict=True))
        for number, pieces in enumerate(_cut(whole, self.part_images)):
            if number not in without:
                yield Part(number, number * self.part_images, pieces)


def _cut(pieces: Iterable[Piece], images: int) -> Iterator[tuple[Piece, ...]]:
    """The pieces in their order, cut so that there are so many `images` at a time."""
    own: list[Piece] = []
    room = images
    for piece in pieces:
        start = piece.start
        while start < piece.stop:
            stop = min(piece.stop, start + room)
            own.append(Piece(piece.file, start, stop))
            room -= stop - start
            start = stop
            if not room:
                yield tuple(own)
                own, room = [], images
    if own:
        yield tuple(own)


def plan(inputs: Sequence[Place], *, without: Place | None, part_images: int) -> Plan:
    """Find the files of `inputs` and count their images; `without`: see `sources.iterate`.

    Raises:
        InputError: there is none, or a file system does not answer.
    """
    found = tuple(files(inputs, without))
    with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
        counts = tuple(pool.map(_count, found))
    if not sum(counts):
        raise InputError("There is no image, archive or table in what was given.")
    return Plan(found, counts, part_images)


def _count(file: Place) -> int:
    if is_picture(file):
        return 1
    try:
        return count_of(file)
    except OSError as error:
        raise InputError(
            f"{file} cannot be read: {one_line(error)}. Start again when its file system answers."
        ) from None
