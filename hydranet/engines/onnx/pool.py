"""Things that serve one thread at a time, shared by many threads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
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
        self.make = make
        self.free: deque[T] = deque()
        self.gate = Gate(cores())

    def one(self) -> One[T]:
        """A context: one that nobody else has while the block runs."""
        return One(self)


class One(Generic[T]):
    """See `Pool.one`. A class of its own, for a generator takes longer than all that it does."""

    __slots__ = ("_core", "_pool", "_taken")

    def __init__(self, pool: Pool[T]) -> None:
        self._pool, self._core = pool, Core()

    def __enter__(self) -> T:
        pool = self._pool
        pool.gate.__enter__()
        try:
            self._taken = pool.free.pop() if pool.free else pool.make()
        except BaseException:
            pool.gate.__exit__()
            raise
        self._core.__enter__()
        return self._taken

    def __exit__(self, *_: object) -> None:
        self._core.__exit__()
        self._pool.free.append(self._taken)
        self._pool.gate.__exit__()


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
