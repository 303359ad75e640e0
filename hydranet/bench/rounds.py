"""Timing many things in turns, so that what slows the machine for a while slows all of them. Light.

Everything is timed once in every round, forwards in one round and backwards in the next, and things
are compared round by round: a ratio of two times of the same round.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hydranet.errors import InputError

LEAST_MS = 100.0
"""What takes less is called several times in a round, and the mean is taken."""


@dataclass(frozen=True)
class Spread:
    """The median, least and most over the rounds."""

    median: float
    least: float
    most: float
    rounds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of one value a round."""
        return cls(statistics.median(values), min(values), max(values), len(values))

    def to_json(self) -> dict[str, float]:
        """The keys that `--json` prints."""
        return {"median": self.median, "min": self.least, "max": self.most}


def in_turns(
    jobs: Sequence[Callable[[], object]],
    rounds: int,
    *,
    least_ms: float = LEAST_MS,
    progress: Callable[[float], None] | None = None,
) -> list[list[float]]:
    """Milliseconds that a call of each job took, one figure a round: (jobs) lists of `rounds`.

    Each job is called twice before the first round, and once before it is timed in a round: what
    the job before it left in the caches is none of its cost. `progress` is told between the jobs,
    and not timed, which part of all is done, 0 to 1.

    Raises:
        InputError: rounds is less than 1.
    """
    if rounds < 1:
        raise InputError(f"There must be at least 1 round, not {rounds}.")
    done, steps = 0, len(jobs) * (rounds + 1)

    def tell() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done / steps)

    calls = []
    for job in jobs:
        job()
        calls.append(max(1, round(least_ms / max(_milliseconds(job, 1), 1e-3))))
        tell()
    found: list[list[float]] = [[] for _ in jobs]
    order = range(len(jobs))
    for number in range(rounds):
        for index in order if number % 2 == 0 else reversed(order):
            jobs[index]()
            found[index].append(_milliseconds(jobs[index], calls[index]))
            tell()
    return found


def _milliseconds(job: Callable[[], object], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        job()
    return 1000 * (time.perf_counter() - start) / calls
