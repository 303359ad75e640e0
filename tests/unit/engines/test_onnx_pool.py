"""Lanes are shared in order, by as many threads as there are cores, and none is ever lost."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from hydranet.engines.onnx import cores, pool
from hydranet.engines.onnx.cores import Core
from hydranet.engines.onnx.pool import Pool

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

    def job(number: int) -> None:
        if number in taken:
            wrong.append(number)
        taken.add(number)
        time.sleep(0.0001)
        taken.remove(number)

    run([threading.Thread(target=lambda: [shared.run(job) for _ in range(50)]) for _ in range(8)])
    assert wrong == []
    assert next(numbers) <= most
    assert_nobody_is_there(shared, most)


def assert_nobody_is_there(shared: Pool[Any], places: int) -> None:
    until(lambda: shared._places == places)
    assert not shared._line


class Held:
    """The one place of a pool is taken until `let_go`."""

    def __init__(self, shared: Pool[Any]) -> None:
        self._let_go, begun = threading.Event(), threading.Event()

        def job(_: object) -> None:
            begun.set()
            assert self._let_go.wait(_LONG_ENOUGH_S)

        self._thread = threading.Thread(target=shared.run, args=(job,))
        self._thread.start()
        assert begun.wait(_LONG_ENOUGH_S)

    def let_go(self) -> None:
        self._let_go.set()
        self._thread.join(_LONG_ENOUGH_S)


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Pool[str]:
    """A pool with one place."""
    monkeypatch.setattr(pool, "cores", lambda: 1)
    return Pool(lambda: "a lane")


def waiting(shared: Pool[Any], jobs: list[Callable[[Any], object]]) -> list[threading.Thread]:
    """Callers in line, in that order."""
    threads = [threading.Thread(target=shared.run, args=(job,)) for job in jobs]
    for number, thread in enumerate(threads):
        thread.start()
        until(lambda number=number: len(shared._line) == number + 1)  # type: ignore[misc] # of int
    return threads


@pytest.mark.parametrize("threads_are_to_be_had", [True, False])
def test_who_waits_is_served_in_order(
    threads_are_to_be_had: bool, shared: Pool[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[int] = []
    held = Held(shared)
    jobs = [lambda _, number=number: served.append(number) for number in range(6)]
    threads = waiting(shared, jobs)
    assert served == []
    if not threads_are_to_be_had:
        monkeypatch.setattr(pool._Worker, "start", none_to_be_had)
    held.let_go()
    for thread in threads:
        thread.join(_LONG_ENOUGH_S)
    assert served == list(range(6))
    assert_nobody_is_there(shared, 1)


def none_to_be_had(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_a_thread_of_the_pool_is_used_again_and_ends_when_idle(
    shared: Pool[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[threading.Thread] = []
    for _ in range(3):
        held = Held(shared)
        threads = waiting(shared, [lambda _: ran.append(threading.current_thread())] * 2)
        held.let_go()
        for thread in threads:
            thread.join(_LONG_ENOUGH_S)
        assert_nobody_is_there(shared, 1)
    assert len(ran) == 6
    assert len(set(ran)) == 1
    monkeypatch.setattr(pool, "IDLE_S", 0.01)
    ran[0].wake.release()  # type: ignore[attr-defined] # as if it had been given the place
    with shared._lock:
        shared._idle.clear()
        shared._places -= 1
    ran[0].join(_LONG_ENOUGH_S)
    assert not ran[0].is_alive()
    assert not shared._idle
    assert_nobody_is_there(shared, 1)


def test_one_that_is_woken_when_it_has_waited_long_enough_serves(
    shared: Pool[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "IDLE_S", 0.0005)
    served: list[int] = []

    def ask() -> None:
        for number in range(100):
            shared.run(lambda _: (time.sleep(0.0003), served.append(number)))  # noqa: B023 # run at once
            time.sleep(0.0004)

    run([threading.Thread(target=ask) for _ in range(3)])
    assert len(served) == 300
    assert_nobody_is_there(shared, 1)


def test_a_thread_that_a_fork_left_behind_is_not_waited_for(shared: Pool[str]) -> None:
    shared._idle.append(pool._Worker(shared))  # not alive, as in a child process
    held = Held(shared)
    (caller,) = waiting(shared, [lambda _: None])
    held.let_go()
    caller.join(_LONG_ENOUGH_S)
    assert not caller.is_alive()


def fail(_: object) -> None:
    raise ValueError("at work")


def test_an_error_gives_back_what_was_taken(shared: Pool[str]) -> None:
    for _ in range(3):
        with pytest.raises(ValueError, match="at work"):
            shared.run(fail)
    assert shared.run(lambda taken: taken) == "a lane"


def test_an_error_of_a_call_in_line_is_its_callers(shared: Pool[str]) -> None:
    said: list[str] = []

    def ask() -> None:
        try:
            shared.run(fail)
        except ValueError as error:
            said.append(str(error))

    held = Held(shared)
    caller = threading.Thread(target=ask)
    caller.start()
    until(lambda: bool(shared._line))
    held.let_go()
    caller.join(_LONG_ENOUGH_S)
    assert said == ["at work"]
    assert shared.run(lambda taken: taken) == "a lane"


def test_what_cannot_be_made_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "cores", lambda: 1)
    fails = [True, True, False]

    def make() -> str:
        if fails.pop(0):
            raise MemoryError
        return "a lane"

    shared = Pool(make)
    for _ in range(2):
        with pytest.raises(MemoryError):
            shared.run(lambda taken: taken)
    assert shared.run(lambda taken: taken) == "a lane"


@pytest.mark.parametrize("it_runs", [False, True])
def test_who_is_interrupted_leaves_the_line(
    it_runs: bool, shared: Pool[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    held, ran = Held(shared), list[str]()

    class Interrupted(pool._Call):
        def __init__(self, job: Callable[[Any], Any]) -> None:
            super().__init__(job)
            self.done = self  # type: ignore[assignment] # has what is asked of it

        def acquire(self) -> None:
            if it_runs:
                held.let_go()
                until(lambda: bool(ran))
            raise KeyboardInterrupt

        def release(self) -> None:
            pass

    monkeypatch.setattr(pool, "_Call", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        shared.run(ran.append)
    assert not shared._line
    held.let_go()
    assert ran == (["a lane"] if it_runs else [])
    assert_nobody_is_there(shared, 1)


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
