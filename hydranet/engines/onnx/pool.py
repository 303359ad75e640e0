"""Calls of many threads on things that serve one at a time, as many at once as there are cores."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from hydranet.engines.onnx.cores import Core
from hydranet.machine import cores

T = TypeVar("T")
R = TypeVar("R")

IDLE_S = 10.0
"""After which a thread of a pool that has nothing to do ends."""


class Pool(Generic[T]):
    """At most as many things as there are cores, each made when all others are in use.

    More calls at once than cores would take turns on them by the slice, whoever has Python's lock
    among them, and evict each other's data from the cache. So a call that finds no place waits in
    line, first come first served. It is then run by a thread of the pool, which goes from one call
    to the next: to wake the caller first, and let it wait for Python's lock and for a core, would
    leave the core idle for a tenth of the time.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._places = cores()
        self._lock = threading.Lock()
        self._free: deque[T] = deque()
        self._line: deque[_Call] = deque()
        self._idle: deque[_Worker] = deque()

    def run(self, job: Callable[[T], R]) -> R:
        """What `job` makes of a thing that nobody else has meanwhile; its errors pass."""
        with self._lock:
            if has_place := self._places > 0:
                self._places -= 1
            else:
                call = _Call(job)
                self._line.append(call)
        if not has_place:
            return self._wait_for(call)
        try:
            with Core():
                return self._on_one(job)
        finally:
            self._leave()

    def serve(self, worker: _Worker | None = None) -> None:
        """Run the calls in line, and give the place back when there is none."""
        with Core():
            while True:
                with self._lock:
                    if not self._line:
                        self._places += 1
                        if worker is not None:
                            self._idle.append(worker)
                        return
                    call = self._line.popleft()
                call.run(self._on_one)

    def dismiss(self, worker: _Worker) -> bool:
        """Whether an idle thread may end: nobody has woken it meanwhile."""
        with self._lock:
            if worker not in self._idle:
                return False
            self._idle.remove(worker)
            return True

    def _on_one(self, job: Callable[[T], R]) -> R:
        try:
            thing = self._free.pop()
        except IndexError:
            thing = self._make()
        try:
            return job(thing)
        finally:
            self._free.append(thing)

    def _wait_for(self, call: _Call) -> Any:
        try:
            call.done.acquire()
        except BaseException:  # an interrupt; where it runs already its result is dropped
            with self._lock:
                if call in self._line:
                    self._line.remove(call)
            raise
        if call.error is not None:
            raise call.error
        return call.result

    def _leave(self) -> None:
        """Hand the place to a thread of the pool if calls wait, else give it back."""
        with self._lock:
            if not self._line:
                self._places += 1
                return
            worker = self._idle.pop() if self._idle else None
        if worker is not None and worker.is_alive():  # after a fork of the process it is not
            worker.wake.release()
            return
        try:
            _Worker(self).start()
        except RuntimeError:  # no thread is to be had
            self.serve()


class _Call:
    """A call in line; `done` is released when there is a `result` or an `error`."""

    def __init__(self, job: Callable[[Any], Any]) -> None:
        self._job = job
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()

    def run(self, on_one: Callable[[Callable[[Any], Any]], Any]) -> None:
        try:
            self.result = on_one(self._job)
        except BaseException as error:  # it is the caller's
            self.error = error
        self.done.release()


class _Worker(threading.Thread):
    """A thread that runs calls in line, with the place that it was given."""

    def __init__(self, pool: Pool[Any]) -> None:
        super().__init__(daemon=True, name="hydranet-pool")
        self._pool = pool
        self.wake = threading.Lock()
        self.wake.acquire()

    def run(self) -> None:
        self._pool.serve(self)
        while self.wake.acquire(timeout=IDLE_S) or self._was_woken():
            self._pool.serve(self)

    def _was_woken(self) -> bool:
        """Just when it had waited long enough."""
        if self._pool.dismiss(self):
            return False
        return self.wake.acquire()
