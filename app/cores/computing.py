"""The cores of this server, shared by all sessions: all that pages compute passes here.

A page says once, by `telling`, how those who wait are told; what it calls need not know.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from app.cores.admission import Admission, Turn, Waiting
from app.cores.kept import Kept
from app.server import counters
from app.server.logs import log
from hydranet.machine import cores

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_TOLD: ContextVar[Waiting | None] = ContextVar("told", default=None)


ADMISSION = Admission(cores())


@contextmanager
def telling(waiting: Waiting) -> Iterator[None]:
    """Within the block, `waiting` is told of every wait for a core; what it raises ends the wait.

    The innermost block counts.
    """
    token = _TOLD.set(waiting)
    try:
        yield
    finally:
        _TOLD.reset(token)


@contextmanager
def admitted(*, long: bool = False) -> Iterator[Turn]:
    """Wait for a core and hold it, see `Admission.turn`.

    Not in a function that Streamlit caches, unless nobody is told: it would draw there.
    """
    came = time.monotonic()
    with ADMISSION.turn(long=long, waiting=_TOLD.get()) as turn:
        began = time.monotonic()
        counters.waited(began - came, long=long)
        yield turn
    waited, took = began - came, time.monotonic() - began
    fields = {"long": long, "waited_ms": round(1000 * waited), "took_ms": round(1000 * took)}
    log.info("computed", extra={"fields": fields})


def once(kept: Kept[K, V], key: K, compute: Callable[[], V], *, long: bool = False) -> V:
    """What is kept under `key`; else what `compute` gives, on a core of its own, kept from then."""
    found = kept.get(key)
    if found is None:
        with admitted(long=long):
            found = kept.get(key)  # another visitor may have asked for it meanwhile
            if found is None:
                found = compute()
                kept.put(key, found)
    return found
