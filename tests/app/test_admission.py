"""Admission: cores are shared in order, long work gives way, and no core is ever lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from app.cores import admission
from app.cores.admission import Admission

_LONG_ENOUGH_S = 20


class Stopped(BaseException):
    """As Streamlit's own: no Exception, so that nobody catches it by accident."""


class Visitor:
    """A thread that takes a turn, notes in `log` that it did, and holds it until released."""

    def __init__(
        self, shared: Admission, log: list[str], name: str, *, long: bool = False, hold: bool = True
    ) -> None:
        self.before: list[int] = []
        self.started, self._release = threading.Event(), threading.Event()
        self._work = (shared, log, name, long, hold)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        # In line, or at work, before the next visitor comes: the order is what is tested.
        until(lambda: bool(self.before) or self.started.is_set())

    def _run(self) -> None:
        shared, log, name, long, hold = self._work
        with shared.turn(long=long, waiting=self.before.append):
            log.append(name)
            self.started.set()
            if hold:
                assert self._release.wait(_LONG_ENOUGH_S)

    def leave(self) -> None:
        self._release.set()
        self.join()

    def join(self) -> None:
        self._thread.join(_LONG_ENOUGH_S)
        assert not self._thread.is_alive()


def until(holds: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    deadline = time.monotonic() + _LONG_ENOUGH_S
    while not holds():
        assert time.monotonic() < deadline, "the other thread never did"
        time.sleep(0.001)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "PATIENCE_S", 0.005)


@pytest.mark.parametrize("cores", [1, 2, 4])
def test_at_most_as_many_compute_as_there_are_cores(cores: int) -> None:
    shared, most, now = Admission(cores), 0, 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal most, now
        for turn in range(20):
            with shared.turn(long=turn % 2 == 0, waiting=None if turn % 3 else lambda before: None):
                with lock:
                    now += 1
                    most = max(most, now)
                time.sleep(0.0005)
                with lock:
                    now -= 1

    threads = [threading.Thread(target=work) for _ in range(3 * cores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_LONG_ENOUGH_S)
        assert not thread.is_alive()
    assert most == cores
    assert shared.free == cores


def test_the_line_is_served_in_the_order_that_they_came() -> None:
    shared, log = Admission(1), list[str]()
    first = Visitor(shared, log, "first")
    others = [Visitor(shared, log, str(number), hold=False) for number in range(6)]
    assert log == ["first"]
    first.leave()
    for other in others:
        other.join()
    assert log == ["first", *map(str, range(6))]


def test_everyone_in_line_is_told_their_place_and_hears_when_it_changes() -> None:
    shared, log = Admission(1), list[str]()
    first = Visitor(shared, log, "first")
    second, third = Visitor(shared, log, "second"), Visitor(shared, log, "third")
    assert (set(second.before), set(third.before)) == ({0}, {1})
    first.leave()
    until(lambda: third.before[-1] == 0)
    second.leave()
    third.leave()
    assert shared.free == 1


def test_who_finds_a_free_core_is_told_nothing() -> None:
    told: list[int] = []
    with Admission(1).turn(waiting=told.append):
        pass
    assert told == []


def test_an_error_at_work_frees_the_core() -> None:
    shared = Admission(1)
    for error in (ValueError, Stopped):
        with pytest.raises(error), shared.turn():
            raise error
        assert shared.free == 1


def test_who_gives_up_leaves_the_line_and_those_behind_move_up() -> None:
    shared, log = Admission(1), list[str]()

    def give_up(before: int) -> None:
        raise Stopped

    first = Visitor(shared, log, "first")
    with pytest.raises(Stopped), shared.turn(waiting=give_up):
        log.append("never")
    last = Visitor(shared, log, "last")
    assert set(last.before) == {0}
    first.leave()
    last.leave()
    assert log == ["first", "last"]
    assert shared.free == 1


def test_long_work_leaves_a_core_to_the_others() -> None:
    shared, log = Admission(2), list[str]()
    long = Visitor(shared, log, "long", long=True)
    longer = Visitor(shared, log, "longer", long=True)
    short = Visitor(shared, log, "short")
    assert log == ["long", "short"], "the second long one waits though a core was free"
    assert set(longer.before) == {0}
    short.leave()
    assert not longer.started.wait(0.02)
    long.leave()
    longer.leave()
    assert shared.free == 2


def test_long_work_that_finds_no_room_is_not_before_a_short_one() -> None:
    shared, log = Admission(2), list[str]()
    held = [Visitor(shared, log, "long", long=True), Visitor(shared, log, "short")]
    longs = [Visitor(shared, log, f"long {number}", long=True) for number in range(3)]
    short = Visitor(shared, log, "next")
    assert set(short.before) == {0}
    held[1].leave()
    until(lambda: short.started.is_set())
    for visitor in (short, held[0], *longs):
        visitor.leave()
    assert shared.free == 2


def test_on_one_core_long_work_runs_too() -> None:
    shared = Admission(1)
    with shared.turn(long=True):
        assert shared.free == 0
    assert shared.free == 1


def test_between_its_steps_long_work_lets_all_who_wait_go_first() -> None:
    shared, log, told = Admission(1), list[str](), list[int]()
    with shared.turn(long=True, waiting=told.append) as turn:
        turn.give_way()
        assert told == [], "nobody waits"
        waiting = [Visitor(shared, log, name, hold=False) for name in ("a", "b")]
        assert log == []
        turn.give_way()
        assert log == ["a", "b"]
        assert shared.free == 0, "and then it goes on"
        for visitor in waiting:
            visitor.join()
    assert shared.free == 1


def test_two_long_works_take_steps_in_turn() -> None:
    shared, log = Admission(1), list[str]()
    together = threading.Barrier(2)

    def work(name: str) -> None:
        with suppress(threading.BrokenBarrierError), shared.turn(long=True) as turn:
            log.append(name)
            if name == "a":
                together.wait(_LONG_ENOUGH_S)
                until(lambda: len(shared._line) == 1)
            for _ in range(3):
                turn.give_way()
                log.append(name)

    first = threading.Thread(target=work, args=("a",))
    first.start()
    together.wait(_LONG_ENOUGH_S)
    second = threading.Thread(target=work, args=("b",))
    second.start()
    first.join(_LONG_ENOUGH_S)
    second.join(_LONG_ENOUGH_S)
    assert "".join(log) == "abababab"


def test_who_gives_up_while_giving_way_loses_no_core() -> None:
    shared, log = Admission(1), list[str]()

    def give_up(before: int) -> None:
        raise Stopped

    others = []

    def work() -> None:
        with shared.turn(long=True, waiting=give_up) as turn:
            others.append(Visitor(shared, log, "other"))
            turn.give_way()
            log.append("never")

    with pytest.raises(Stopped):
        work()
    assert (log, shared.free) == (["other"], 0)
    others[0].leave()
    assert shared.free == 1
