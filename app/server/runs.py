"""Pages that run now: what visitors have asked for and do not see yet."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from app.server.logs import log

_changed = threading.Condition()
_running = 0


@contextmanager
def running() -> Iterator[None]:
    """A page runs within the block; a line says for how long it did."""
    global _running
    began = time.perf_counter()
    with _changed:
        _running += 1
    try:
        yield
    finally:
        with _changed:
            _running -= 1
            _changed.notify_all()
        took_ms = round(1000 * (time.perf_counter() - began))
        log.info("page run", extra={"fields": {"took_ms": took_ms}})


def wait_until_none(seconds: float) -> bool:
    """Until no page runs, or the time is over; whether none does."""
    with _changed:
        return _changed.wait_for(lambda: _running == 0, seconds)
