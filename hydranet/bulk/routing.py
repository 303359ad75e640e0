"""Images in batches through one network: the route and the answer of each. Light: no torch."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from hydranet.bulk.found import run_pixels
from hydranet.bulk.items import Item, pixels_of, refused
from hydranet.bulk.rows import Row, Settings
from hydranet.engines import Engine
from hydranet.errors import InputError

BATCH = 64


def route(
    engine: Engine, items: Iterable[Item], settings: Settings, *, first: int = 0, workers: int = 1
) -> Iterator[Row]:
    """A row for each item, in their order, as soon as its batch is done; numbered from `first`.

    `workers`: batches that are decoded and run at once, each on a thread of its own; their bytes
    are read one after another, on the caller's. Rows do not depend on it.

    Raises:
        InputError: the settings do not fit the network.
    """
    settings.check(engine.card)
    batches = _batches(items)
    if workers == 1:
        for batch in batches:
            yield from _rows(engine, batch, settings, first)
            first += len(batch)
        return
    waiting: deque[Future[list[Row]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for batch in batches:
                waiting.append(pool.submit(_rows, engine, batch, settings, first))
                first += len(batch)
                if len(waiting) > workers:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Items whose bytes have been read, in batches."""
    source = iter(items)
    while batch := [_read(item) for item in islice(source, BATCH)]:
        yield batch


def _read(item: Item) -> Item:
    try:
        content = item.load()
    except InputError as error:
        return refused(item.name, str(error), item.label)
    return Item(item.name, lambda: content, item.label)


def _rows(engine: Engine, batch: list[Item], settings: Settings, first: int) -> list[Row]:
    side = engine.card.architecture.image_size
    seen = [_pixels(item, side) for item in batch]
    readable = [pixels for pixels in seen if not isinstance(pixels, str)]
    found = iter(run_pixels(engine, np.stack(readable), settings) if readable else ())
    return [
        Row(index=index, file=item.name, label=item.label, reason=pixels)
        if isinstance(pixels, str)
        else Row(index=index, file=item.name, label=item.label, found=next(found))
        for index, (item, pixels) in enumerate(zip(batch, seen, strict=True), first)
    ]


def _pixels(item: Item, side: int) -> NDArray[np.uint8] | str:
    """What the network sees of it, or the reason why it sees nothing."""
    try:
        return pixels_of(item, side)
    except InputError as error:
        return str(error)
