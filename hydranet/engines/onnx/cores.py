"""Each of several calls on a core of its own.

A caller that was woken is put by the system beside the one that woke it, or where it ran last, and
is not moved for a while: with many callers in line two calls share a core and the other core idles.
With 16 callers on two cores it stood still half of the time.
"""

from __future__ import annotations

import os
from contextlib import suppress

_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
"""Those of this process; none where the system does not let threads choose."""

_free = list(_CORES)  # taking and giving back are one step each


class Core:
    """A context whose thread has a core to itself, as far as calls of this process go.

    Who computes alone stays where it is, and so does who finds no core free.
    """

    def __init__(self) -> None:
        self._core: int | None = None
        self._before: set[int] | None = None

    def __enter__(self) -> None:
        try:
            self._core = _free.pop()
        except IndexError:
            return
        if len(_free) < len(_CORES) - 1:
            with suppress(OSError):  # it may have been taken from this process
                before = os.sched_getaffinity(0)
                os.sched_setaffinity(0, {self._core})
                self._before = before

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            with suppress(OSError):
                os.sched_setaffinity(0, self._before)
        if self._core is not None:
            _free.append(self._core)
