"""Clearing up behind a session that has ended, out of the garbage collector's way.

The collector may run in any thread at any moment, also in one that holds a lock which the clearing
up needs. So it only says what is to be done, and a thread does it.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable
from functools import cache, partial
from queue import SimpleQueue

from app.cores import kept

_DUE: SimpleQueue[Callable[[], None]] = SimpleQueue()
_NUMBERS = itertools.count(1)


def when_gone(thing: object, work: Callable[[], None]) -> None:
    """Do `work` soon after `thing` is no longer used. `work` must not hold on to it."""
    _start()
    weakref.finalize(thing, _DUE.put, work).atexit = False


def private_name(thing: object) -> str:
    """A name that nothing else has. What is kept under it, anywhere, goes with `thing`."""
    name = f"private {next(_NUMBERS)}"
    when_gone(thing, partial(kept.let_go, name))
    return name


@cache
def _start() -> None:
    threading.Thread(target=_clear_up, name="clearing up", daemon=True).start()


def _clear_up() -> None:
    while True:
        _DUE.get()()


def settle() -> None:
    """Wait until all is done that was due by now."""
    done = threading.Event()
    _start()
    _DUE.put(done.set)
    done.wait()
