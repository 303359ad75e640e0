"""Things that serve one thread at a time, shared by many threads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from hydranet.engines.onnx.cores import Core
from hydranet.machine import cores

T = TypeVar("T")


class Pool(Generic[T]):
    """At most as many things as there are cores, each made when all others are taken.

    Threads that find none wait in line: more at work than there are cores would take turns on them
    by the slice, whoever has Python's lock among them, and evict each other's data from the cache.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._free: deque[T] = deque()
        self._gate = Gate(cores())

    @contextmanager
    def one(self) -> Iterator[T]:
        """One that nobody else has while the block runs."""
        with self._gate:
            try:
                taken = self._free.pop()
            except IndexError:
                taken = self._make()
            try:
                with Core():
                    yield taken
            finally:
                self._free.append(taken)


class Gate:
    """A context that so many threads at most are in, the others in line, first come first served.

    Whoever leaves wakes the first in line and no other, and that one need not ask again.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._line: deque[threading.Lock] = deque()
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            if self._places:
                self._places -= 1
                return
            turn = threading.Lock()
            turn.acquire()
            self._line.append(turn)
        try:
            turn.acquire()
        except BaseException:
            self._leave_line(turn)
            raise

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._line:
                self._line.popleft().release()
            else:
                self._places += 1

    def _leave_line(self, turn: threading.Lock) -> None:
        """Where a wait is interrupted; the turn may have come meanwhile."""
        with self._lock:
            if turn in self._line:
                self._line.remove(turn)
                return
        self.__exit__()
