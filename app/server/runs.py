"""Pages that run now: what visitors have asked for and do not see yet."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_changed = threading.Condition()
_running = 0


@contextmanager
def running() -> Iterator[None]:
    """A page runs within the block."""
    global _running
    with _changed:
        _running += 1
    try:
        yield
    finally:
        with _changed:
            _running -= 1
            _changed.notify_all()


def wait_until_none(seconds: float) -> bool:
    """Until no page runs, or the time is over; whether none does."""
    with _changed:
        return _changed.wait_for(lambda: _running == 0, seconds)
