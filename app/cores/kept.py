"""What was computed once and may be asked for again, by all sessions. Draws nothing.

Streamlit's cache replays what a cached function draws, so work that moves a progress bar, or says
how long the line for a core is, cannot be in it. Nor does it hand out what it holds, but a copy.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Any, Generic, TypeVar
from weakref import WeakSet

K = TypeVar("K")
V = TypeVar("V")

_EVERY: WeakSet[Kept[Any, Any]] = WeakSet()


class Kept(Generic[K, V]):
    """The `most` results that were used last, each for at most so many `seconds` (None: for ever).

    What is put in must not be changed afterwards: all sessions get the same.
    """

    def __init__(self, most: int, *, seconds: float | None = None) -> None:
        self._most = most
        self._seconds = seconds
        self._results: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._lock = threading.Lock()
        _EVERY.add(self)

    def get(self, key: K) -> V | None:
        """The result, None where there is none."""
        with self._lock:
            if key not in self._results:
                return None
            since, result = self._results[key]
            if self._seconds is not None and time.monotonic() - since > self._seconds:
                del self._results[key]
                return None
            self._results.move_to_end(key)
            return result

    def put(self, key: K, result: V) -> None:
        """Keep a result; the one that was not used for longest goes."""
        with self._lock:
            self._results[key] = time.monotonic(), result
            self._results.move_to_end(key)
            while len(self._results) > self._most:
                self._results.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._results.clear()

    def let_go(self, name: str) -> None:
        """Forget everything whose key names a network so."""
        with self._lock:
            for key in [key for key in self._results if _names(key, name)]:
                del self._results[key]

    def __len__(self) -> int:
        with self._lock:
            return len(self._results)


def let_go(name: str) -> None:
    """Forget all that is kept, anywhere, of the network of that name."""
    for kept in tuple(_EVERY):
        kept.let_go(name)


def forget() -> None:
    """Forget all that is kept, as if nothing had been asked for yet."""
    for kept in tuple(_EVERY):
        kept.clear()


def _names(key: object, name: str) -> bool:
    if isinstance(key, tuple):
        return any(_names(part, name) for part in key)
    return isinstance(key, str) and key == name
