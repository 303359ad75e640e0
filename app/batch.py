"""Many images of one visitor through one network. They live in the visitor's session alone.

A batch holds the files as they came, and of each image a thumbnail and the few pixels that networks
see; an image's own bytes are taken out of its file again when they are asked for. Work goes on in
small steps, so that it can stop between any two and what is done is kept; each takes its own place
in the line for a core, and none takes the last one.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app import services
from app.cores.computing import admitted
from app.handed_over.roll import thumbnail
from app.server import counters
from hydranet.bulk.answers import each, run_pixels
from hydranet.bulk.items import IT, Item, as_text
from hydranet.bulk.rows import Row, Settings
from hydranet.checkpoints import Checkpoint
from hydranet.checkpoints.card import Card
from hydranet.data.resize import fit_square
from hydranet.errors import InputError
from hydranet.intake.archives import Limits, open_archive
from hydranet.intake.images import decode_image

MOST_IMAGES = 500
MOST_BYTES = 100 * 2**20
MOST_ENTRIES = 5_000
_STEP = 16
_STEP_S = 0.5
_THUMBNAIL = 64


@dataclass(frozen=True)
class _Taken:
    """One image: its thumbnail and (side, side, 3) pixels, or the reason why there are none."""

    thumbnail: str = ""
    pixels: NDArray[np.uint8] | None = None
    reason: str = ""


class Batch:
    """The images of some files, and what a network made of them.

    `notes`: sentences about files that are left out. `goal`: how many images are to be done; less
    than all where the visitor stopped the work.
    """

    def __init__(self, files: Iterable[tuple[str, bytes]]) -> None:
        self.notes: list[str] = []
        self.items: list[Item] = []
        self._collect(files)
        self.goal = len(self.items)
        self._taken: list[_Taken] = []
        self._rows: list[Row] = []
        self._side = 0
        self._rows_of: tuple[str, Card, Settings] | None = None

    def _collect(self, files: Iterable[tuple[str, bytes]]) -> None:
        """List what is in the files, as far as it may come along."""
        held, beyond = 0, 0
        for name, content in files:
            if held + len(content) > MOST_BYTES:
                beyond += 1
                continue
            held += len(content)
            if content.startswith((b"PK\3\4", b"PK\5\6")):
                self._open(name, content)
            else:
                self.items.append(_item(name, content))
        beyond += len(self.items) - MOST_IMAGES if len(self.items) > MOST_IMAGES else 0
        del self.items[MOST_IMAGES:]
        if beyond:
            those = "1 was" if beyond == 1 else f"{beyond:,} were"
            self.notes.append(
                f"A batch is at most {MOST_IMAGES} images and {MOST_BYTES >> 20} MiB, so {those} "
                "left out. For more, run hydranet route on your own machine."
            )

    def _open(self, name: str, content: bytes) -> None:
        limits = Limits(entries=MOST_ENTRIES, total=MOST_BYTES)
        try:
            archive = open_archive(io.BytesIO(content), name, limits)
        except InputError as error:
            self.notes.append(str(error))
            return
        self.items += archive.items
        if archive.skipped:
            others = "1 other file" if archive.skipped == 1 else f"{archive.skipped:,} other files"
            self.notes.append(f"{as_text(name)} holds {others}, skipped: no pictures by name.")
        elif not archive.items:
            self.notes.append(f"{as_text(name)} holds no pictures.")

    def set_up(self, checkpoint: Checkpoint, settings: Settings) -> None:
        """Ask for the answers of this network. What was computed for another one is forgotten."""
        asked = (checkpoint.name, checkpoint.card, settings)
        if self._rows_of != asked:
            self._rows_of, self._rows = asked, []
        side = checkpoint.card.architecture.image_size
        if self._side != side:
            self._side, self._taken = side, []

    def advance(self, checkpoint: Checkpoint, settings: Settings) -> int:
        """Do the next few images, after `set_up` for the same; how many are done."""
        first = len(self._rows)
        last = min(first + _STEP, self.goal)
        until = time.monotonic() + _STEP_S
        for item in self.items[len(self._taken) : last]:
            self._taken.append(_take(item, self._side))
            if time.monotonic() > until:  # large pictures: a press on Cancel shall not wait for all
                last = len(self._taken)
                break
        self._rows += _route(checkpoint, settings, self.items, self._taken, range(first, last))
        return len(self._rows)

    @property
    def is_done(self) -> bool:
        """Whether all is done that is to be done."""
        return len(self._rows) >= self.goal

    @property
    def rows(self) -> list[Row]:
        """What is done, in the order that it came."""
        return self._rows

    def thumbnail(self, index: int) -> str:
        """A data URI of image number `index`, which must have been readable."""
        return self._taken[index].thumbnail

    def stop(self) -> None:
        """Leave it at what is done."""
        self.goal = len(self._rows)

    def go_on(self) -> None:
        """Do the rest too."""
        self.goal = len(self.items)


def _item(name: str, content: bytes) -> Item:
    return Item(as_text(name), lambda: content)


def _take(item: Item, side: int) -> _Taken:
    try:
        content = item.load()
        with admitted(long=True):
            image = decode_image(content, name=IT)
            return _Taken(thumbnail(image, _THUMBNAIL), fit_square(image, side))
    except InputError as error:
        return _Taken(reason=str(error))


def _route(
    checkpoint: Checkpoint,
    settings: Settings,
    items: list[Item],
    taken: list[_Taken],
    which: range,
) -> list[Row]:
    pixels = [p for i in which if (p := taken[i].pixels) is not None]
    engine = services.engine(checkpoint)
    with admitted(long=True):
        found = iter(each(run_pixels(engine, np.stack(pixels), settings)) if pixels else ())
    counters.predicted(len(pixels))
    return [
        Row(index=i, file=items[i].name, label=items[i].label, reason=taken[i].reason)
        if taken[i].pixels is None
        else Row(index=i, file=items[i].name, label=items[i].label, found=next(found))
        for i in which
    ]
