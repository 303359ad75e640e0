"""Who may compute: at most as many at once as there are cores, the others in line, in order.

Two rules keep one visitor's long work out of the others' way. Long work never takes the last core
where there is more than one, and between two of its steps it gives way: whoever waits goes first,
and the long work goes on behind them. So a prediction waits for at most one step.

When the server ends, the line is closed: short work is finished, everything else refused in words.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.server import counters
from hydranet.errors import InputError

PATIENCE_S = 0.2
"""How long one waits before being told, and between two times of being told."""

Waiting = Callable[[int], None]
"""Is told how many are before it in line; what it raises ends the wait."""


class Turn:
    """One computation, in line or at work."""

    def __init__(self, admission: Admission, *, long: bool, waiting: Waiting | None) -> None:
        self._admission = admission
        self.long = long
        self.waiting = waiting
        self.woken = threading.Lock()
        """Locked while it is in line, until it may start or the line is closed."""

    def give_way(self) -> None:
        """Between two steps of long work: let all who wait now go first. At once if nobody waits;
        raises what `waiting` raises, or InputError where the line was closed, and then the turn is
        over."""
        self._admission._give_way(self)


class Admission:
    """Lets at most `cores` computations run at once, at most `cores` − 1 of them long (but one)."""

    def __init__(self, cores: int) -> None:
        self._cores = cores
        self._long_cores = max(1, cores - 1)
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._line: list[Turn] = []
        self._at_work: list[Turn] = []
        self._closed: str | None = None

    @property
    def free(self) -> int:
        """How many cores nobody computes on."""
        with self._lock:
            return self._cores - len(self._at_work)

    @contextmanager
    def turn(self, *, long: bool = False, waiting: Waiting | None = None) -> Iterator[Turn]:
        """Wait in line for a core, hold it while the block runs, and leave it however that ends.

        `long`: work that takes seconds; it should call `Turn.give_way` between its steps. `waiting`
        is called again and again while there is no core, see `Waiting`. Whoever holds a turn must
        not ask for another.

        Raises:
            InputError: the line is closed.
        """
        turn = Turn(self, long=long, waiting=waiting)
        try:
            self._wait(turn)
            yield turn
        finally:
            self._leave(turn)

    def close(self, sentence: str) -> None:
        """Refuse with `sentence` whoever waits, comes later, or gives way."""
        with self._lock:
            self._closed = sentence
            for turn in self._line:
                turn.woken.release()
            self._line.clear()

    def wait_until_idle(self, seconds: float) -> bool:
        """Until nobody computes or waits, or the time is over; whether nobody does."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._at_work and not self._line, seconds)

    def _check_open(self) -> None:
        if self._closed is not None:
            counters.refused("work")
            raise InputError(self._closed)

    def _wait(self, turn: Turn) -> None:
        """Join the end of the line and stay in it until it is this one's turn."""
        with self._lock:
            self._join(turn)
            if turn in self._at_work:
                return
        patience = -1 if turn.waiting is None else PATIENCE_S
        while not turn.woken.acquire(timeout=patience):
            with self._lock:
                before = self._before(turn) if turn in self._line else None
            if before is not None and turn.waiting is not None:
                turn.waiting(before)  # draws and may raise: never with the lock in hand
        with self._lock:
            if turn not in self._at_work:
                self._check_open()

    def _join(self, turn: Turn) -> None:
        self._check_open()
        turn.woken = threading.Lock()
        turn.woken.acquire()
        self._line.append(turn)
        self._start()

    def _give_way(self, turn: Turn) -> None:
        with self._lock:
            self._check_open()
            if not self._line:
                return
            self._at_work.remove(turn)
            self._start()
        self._wait(turn)

    def _leave(self, turn: Turn) -> None:
        with self._lock:
            for place in (self._line, self._at_work):
                if turn in place:
                    place.remove(turn)
            self._start()
            if not self._at_work and not self._line:
                self._idle.notify_all()

    def _start(self) -> None:
        """Put to work whoever may start now. They are woken, and nobody else: where many wait, to
        wake all for one place costs more than a prediction."""
        while (turn := self._next()) is not None:
            self._line.remove(turn)
            self._at_work.append(turn)
            turn.woken.release()

    def _next(self) -> Turn | None:
        """Who may start now."""
        if len(self._at_work) >= self._cores:
            return None
        room = self._room_for_long() > 0
        return next((turn for turn in self._line if room or not turn.long), None)

    def _room_for_long(self) -> int:
        return self._long_cores - sum(turn.long for turn in self._at_work)

    def _before(self, turn: Turn) -> int:
        """How many will start sooner: who came before, but long work only where it finds room."""
        ahead = self._line[: self._line.index(turn)]
        if turn.long:
            return len(ahead)
        long = sum(other.long for other in ahead)
        return len(ahead) - long + min(long, max(0, self._room_for_long()))
