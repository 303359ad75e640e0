"""One batch: the files of some images in, their rows of `hydranet.bulk.table` out. Light: no torch.

All that routes many images, on threads, in processes or on a cluster, does so by `BatchRouter`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hydranet.bulk.answers import run_pixels, together
from hydranet.bulk.items import Item, decoded
from hydranet.bulk.rows import Settings
from hydranet.bulk.table import routed_table
from hydranet.engines import Engine
from hydranet.errors import InputError

BATCH = 128
BATCH_BYTES = 16 * 2**20
"""Of files: a batch with more ends with the image that brought it there."""
RUN = 4 * BATCH
"""Images of a part after which a new batch begins whatever came before: there a part may be cut."""


@dataclass(frozen=True)
class Batch:
    """Images that are routed together, the first of them number `first` of all; lists of one
    length. `contents`: the files; None where there is none, for what `reasons` says, which is empty
    for the others; `labels`: see `Item`. All of it can be pickled."""

    first: int
    files: list[str] = field(default_factory=list)
    contents: list[bytes | None] = field(default_factory=list)
    labels: list[str | int | None] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.files)

    def add(self, item: Item) -> int:
        """Read an item; how many bytes it has."""
        content, reason = None, ""
        try:
            content = item.load()
        except InputError as error:
            reason = str(error)
        self.files.append(item.name)
        self.contents.append(content)
        self.labels.append(item.label)
        self.reasons.append(reason)
        return len(content or b"")


def batches(items: Iterable[Item], *, first: int = 0) -> Iterator[Batch]:
    """Items in batches, in their order, numbered from `first`, where a run begins; each is read
    when its batch is asked for."""
    batch, size = Batch(first), 0
    for item in items:
        size += batch.add(item)
        run_ends = (batch.first + len(batch) - first) % RUN == 0
        if len(batch) == BATCH or size >= BATCH_BYTES or run_ends:
            yield batch
            batch, size = Batch(batch.first + len(batch)), 0
    if batch.files:
        yield batch


class BatchRouter:
    """Routes batches on an engine. May be used from many threads at once if the engine may.

    Raises:
        InputError: the settings do not fit the network.
    """

    def __init__(self, engine: Engine, settings: Settings) -> None:
        settings.check(engine.card)
        self.engine, self.card, note = engine, engine.card, engine.card.int8
        if engine.name == "int8" and note is not None:
            settings = replace(settings, int8_sha256=note.calibration_sha256)
        self.settings = settings

    def __call__(self, batch: Batch) -> pa.Table:
        """A row for each image; one that cannot be read has the reason."""
        pixels, reasons = self._decoded(batch)
        if len(pixels):
            answers = run_pixels(self.engine, pixels, self.settings)
        else:
            answers = together([], self.card)
        return routed_table(
            index=range(batch.first, batch.first + len(batch)),
            files=batch.files,
            labels=batch.labels,
            reasons=reasons,
            answers=answers,
            card=self.card,
            settings=self.settings,
        )

    def _decoded(self, batch: Batch) -> tuple[NDArray[np.uint8], list[str]]:
        """What the network sees of the readable images, (B', side, side, 3); why not of others."""
        side = self.card.architecture.image_size
        pixels = np.empty((len(batch), side, side, 3), np.uint8)
        reasons, count = list(batch.reasons), 0
        for place, content in enumerate(batch.contents):
            if content is None:
                continue
            try:
                pixels[count] = decoded(content, side)
                count += 1
            except InputError as error:
                reasons[place] = str(error)
        return pixels[:count], reasons
