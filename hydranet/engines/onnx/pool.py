"""Things that serve one thread at a time, made when all others are taken."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Pool(Generic[T]):
    """Safe to use from many threads: taking and giving back are one step each."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._free: deque[T] = deque()

    def take(self) -> T:
        """One that nobody else has until it is given back."""
        try:
            return self._free.pop()
        except IndexError:
            return self._make()

    def give(self, taken: T) -> None:
        """Let others have it."""
        self._free.append(taken)
