"""Lanes are shared in order, by as many threads as there are cores, and none is ever lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import count

import pytest

from hydranet.engines.onnx import pool
from hydranet.engines.onnx.pool import Gate, Pool

_LONG_ENOUGH_S = 20


def until(holds: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    deadline = time.monotonic() + _LONG_ENOUGH_S
    while not holds():
        assert time.monotonic() < deadline, "the other thread never did"
        time.sleep(0.001)


def run(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_LONG_ENOUGH_S)
        assert not thread.is_alive()


@pytest.mark.parametrize("cores", [1, 3])
def test_no_thing_is_two_threads_at_once(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "cores", lambda: cores)
    numbers = count()
    shared = Pool(lambda: next(numbers))
    taken: set[int] = set()
    wrong: list[int] = []

    def work() -> None:
        for _ in range(50):
            with shared.one() as number:
                if number in taken:
                    wrong.append(number)
                taken.add(number)
                time.sleep(0.0001)
                taken.remove(number)

    run([threading.Thread(target=work) for _ in range(8)])
    assert wrong == []
    assert next(numbers) <= cores


def test_who_waits_is_served_in_order() -> None:
    gate, served = Gate(1), list[int]()

    def work(number: int) -> None:
        with gate:
            served.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    with gate:
        for number, thread in enumerate(threads):
            thread.start()
            until(lambda number=number: len(gate._line) == number + 1)  # type: ignore[misc] # of int
        assert served == []
    for thread in threads:
        thread.join(_LONG_ENOUGH_S)
    assert served == list(range(6))


def test_an_error_gives_back_what_was_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "cores", lambda: 1)
    shared = Pool(lambda: "a lane")
    for _ in range(3):
        with pytest.raises(ValueError, match="at work"), shared.one():
            raise ValueError("at work")
    with shared.one() as taken:
        assert taken == "a lane"


def test_what_cannot_be_made_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "cores", lambda: 1)
    fails = [True, True, False]

    def make() -> str:
        if fails.pop(0):
            raise MemoryError
        return "a lane"

    shared = Pool(make)
    for _ in range(2):
        with pytest.raises(MemoryError), shared.one():
            pass
    with shared.one() as taken:
        assert taken == "a lane"


def test_who_is_interrupted_leaves_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before its turn and, the harder case, just when it has come."""

    class Interrupted:
        """A lock whose second `acquire`, the wait, is interrupted."""

        def __init__(self) -> None:
            self.calls = 0

        def acquire(self) -> None:
            self.calls += 1
            if self.calls == 2:
                came()
                raise KeyboardInterrupt

        def release(self) -> None:
            pass

    for came in (lambda: None, lambda: gate.__exit__()):
        gate = Gate(1)
        gate.__enter__()
        real = threading.Lock
        monkeypatch.setattr(threading, "Lock", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            gate.__enter__()
        monkeypatch.setattr(threading, "Lock", real)
        assert not gate._line
        if not gate._places:
            gate.__exit__()
        assert gate._places == 1
