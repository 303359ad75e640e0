"""Lanes are shared in order, by as many threads as there are cores, and none is ever lost."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from itertools import count

import pytest

from hydranet.engines.onnx import cores, pool
from hydranet.engines.onnx.cores import Core
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


@pytest.mark.parametrize("most", [1, 3])
def test_no_thing_is_two_threads_at_once(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "cores", lambda: most)
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
    assert next(numbers) <= most


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


class Interrupted:
    """A lock that can be taken once; the wait for it is interrupted, after `meanwhile`."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        self._meanwhile = meanwhile
        self._taken = False

    def acquire(self) -> None:
        if self._taken:
            self._meanwhile()
            raise KeyboardInterrupt
        self._taken = True

    def release(self) -> None:
        pass


@pytest.mark.parametrize("turn_came", [False, True])
def test_who_is_interrupted_leaves_the_line(
    turn_came: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(1)
    gate.__enter__()
    leave = gate.__exit__ if turn_came else lambda: None
    with monkeypatch.context() as patched:
        patched.setattr(threading, "Lock", lambda: Interrupted(leave))
        with pytest.raises(KeyboardInterrupt):
            gate.__enter__()
    assert not gate._line
    if not turn_came:
        gate.__exit__()
    assert gate._places == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads cannot choose a core")
def test_calls_at_once_have_a_core_each_and_threads_are_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    every = os.sched_getaffinity(0)
    if len(every) < 2:
        pytest.skip("one core")
    seen: list[set[int]] = []
    alone, then = Core(), [Core() for _ in every]
    with alone:
        assert os.sched_getaffinity(0) == every, "nobody else computes"
        for core in then:
            core.__enter__()
            seen.append(os.sched_getaffinity(0))
            os.sched_setaffinity(0, every)
        assert sorted(map(len, seen)) == [1] * (len(every) - 1) + [len(every)]
        assert len({min(one) for one in seen if len(one) == 1}) == len(every) - 1
        for core in reversed(then):
            core.__exit__()
        assert os.sched_getaffinity(0) == every
    assert sorted(cores._free) == sorted(cores._CORES)
