"""The images that one visitor handed over. They live in the visitor's session and nowhere else, and
what was computed of them goes when the session does.

A `Frame` holds the file as it came, so that its hash, and every answer kept by that hash, is the
same wherever the same file is handed over; only the image that is looked at is held decoded.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from PIL import Image

from app.cores import kept
from app.handed_over.gone import when_gone
from app.intake import Intake, take_in
from hydranet.errors import InputError

MOST_IMAGES = 50
MOST_BYTES = 100 * 2**20
_THUMBNAIL = 96


@dataclass(frozen=True)
class Frame:
    """One image of the roll; `thumbnail` is a data URI of a small JPEG."""

    name: str
    sha256: str
    content: bytes
    thumbnail: str


@dataclass(frozen=True)
class Added:
    """What became of handed-over files: the hash of the first that can be shown (None: none), and
    a sentence for each that cannot, or for those beyond a limit."""

    first: str | None
    refused: tuple[str, ...]


class Roll:
    """Images in the order they came, each once."""

    def __init__(self) -> None:
        self._frames: dict[str, Frame] = {}
        self._brought: set[str] = set()
        when_gone(self, partial(_let_go, self._brought))
        self._decoded: Intake | None = None

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._frames.values())

    def __contains__(self, sha256: object) -> bool:
        return sha256 in self._frames

    def add(self, files: Iterable[tuple[str, bytes]]) -> Added:
        """Take in named files. One that cannot be shown does not hold up the others."""
        first, refused, beyond = None, [], 0
        held = sum(len(frame.content) for frame in self)
        for name, content in files:
            if len(self) >= MOST_IMAGES or held + len(content) > MOST_BYTES:
                beyond += 1
                continue
            try:
                taken = take_in(content, name)
            except InputError as error:
                refused.append(str(error))
                continue
            if taken.sha256 not in self:
                held += len(content)
                self._frames[taken.sha256] = _frame(taken, content)
                self._brought.add(taken.sha256)
            first = first or taken.sha256
        if beyond:
            those = "1 file was" if beyond == 1 else f"{beyond} files were"
            refused.append(
                f"At most {MOST_IMAGES} images and {MOST_BYTES >> 20} MiB are held at a time, so "
                f"{those} left out. Remove some and try again."
            )
        return Added(first, tuple(refused))

    def remove(self, sha256: str) -> str | None:
        """Forget an image; the hash of the one that takes its place, None where none is left."""
        hashes = list(self._frames)
        place = hashes.index(sha256)
        del self._frames[sha256]
        hashes.remove(sha256)
        if self._decoded and self._decoded.sha256 == sha256:
            self._decoded = None
        return hashes[min(place, len(hashes) - 1)] if hashes else None

    def open(self, sha256: str) -> Intake:
        """The image, decoded; it stays decoded until another one is opened."""
        if self._decoded is None or self._decoded.sha256 != sha256:
            frame = self._frames[sha256]
            self._decoded = take_in(frame.content, frame.name)
        return self._decoded


def _let_go(brought: set[str]) -> None:
    """Forget what was computed of images whose session has ended; who has the same file computes it
    once more."""
    for sha256 in brought:
        kept.let_go(sha256)


def _frame(taken: Intake, content: bytes) -> Frame:
    return Frame(taken.name, taken.sha256, content, thumbnail(taken.image))


def thumbnail(image: Image.Image, most: int = _THUMBNAIL) -> str:
    """The image cut to a small square, at most so many pixels wide, as a data URI."""
    small = image.copy()
    side = min(small.size)
    left, top = (small.width - side) // 2, (small.height - side) // 2
    small = small.crop((left, top, left + side, top + side))
    small.thumbnail((most, most))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
