"""Many batches through one network, on as many cores as are lent. Light: no torch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass

import pyarrow as pa

from hydranet.bulk.batch import Batch

AHEAD = 2
"""Batches that a helper is given before its first one has come back: while it routes one, the next
one lies there."""

BEHIND = 16
"""Batches that the caller may route before it must wait for a helper's: while helpers begin, and
where they are slower. Their tables wait; their images are gone."""


@dataclass(frozen=True)
class Helpers:
    """Who else routes batches: how many there are, and what hands them one."""

    count: int
    submit: Callable[[Batch], Future[pa.Table]]


def route_batches(
    batches: Iterable[Batch], route: Callable[[Batch], pa.Table], helpers: Helpers | None = None
) -> Iterator[pa.Table]:
    """The table of each batch, in their order, as soon as it and those before it are done.

    The caller's thread reads the batches, and routes those for which no helper has room. At most
    `AHEAD` batches for each helper are held, and the tables of `BEHIND` more.
    """
    room = AHEAD * helpers.count if helpers else 0
    waiting: deque[Future[pa.Table]] = deque()
    try:
        for batch in batches:
            if helpers and sum(not future.done() for future in waiting) < room:
                waiting.append(helpers.submit(batch))
            else:
                waiting.append(_at_once(route, batch))
            while waiting and (len(waiting) > room + BEHIND or waiting[0].done()):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _at_once(route: Callable[[Batch], pa.Table], batch: Batch) -> Future[pa.Table]:
    done: Future[pa.Table] = Future()
    done.set_result(route(batch))
    return done
