"""Several networks trained by one call, one after another or side by side in processes.

Each has its own checkpoint and state; one that fails does not stop the others. Side by side is
meant for a GPU, which one small network does not fill; processes, because threads would share
Python's lock, the seeds and the compiler.
"""

from __future__ import annotations

import multiprocessing
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from hydranet.checkpoints.card import Card
from hydranet.errors import InputError
from hydranet.training.distributed import World
from hydranet.training.job import Event, Job, run_job

OnEvent = Callable[[Job, Event], None]


@dataclass(frozen=True)
class Outcome:
    """How a job ended: with a card, or with a sentence that says why not.

    Both are None in a process that is not the first of its world.
    """

    job: Job
    card: Card | None = None
    error: str | None = None


def train_several(
    jobs: Sequence[Job],
    *,
    at_once: int = 1,
    on_event: OnEvent = lambda job, event: None,
    world: World | None = None,
) -> list[Outcome]:
    """Run every job, at most `at_once` at a time; the outcomes stand in the order of the jobs.

    With `at_once` 1 they run one after another in this process, which may be one of a `world`, else
    each in its own.

    Raises:
        InputError: two jobs have one name, or `at_once` is no positive number.
    """
    names = [job.name for job in jobs]
    if twice := {name for name in names if names.count(name) > 1}:
        raise InputError(
            f"Each network can be trained once in a call, but {min(twice)} stands twice."
        )
    if at_once < 1:
        raise InputError(f"At least one network must be trained at a time, not {at_once}.")
    if at_once == 1 or len(jobs) == 1:
        return [_outcome(job, partial(on_event, job), world) for job in jobs]
    return _side_by_side(jobs, at_once, on_event)


def _outcome(job: Job, report: Callable[[Event], None], world: World | None = None) -> Outcome:
    try:
        return Outcome(job, card=run_job(job, report, world))
    except InputError as error:
        return Outcome(job, error=str(error))
    except Exception as error:
        if world is not None and world.size > 1:
            raise  # the others are lost, or wait: torchrun ends or restarts all
        # Such as a GPU's memory: the other networks go on.
        traceback.print_exc(file=sys.stderr)
        return Outcome(job, error=f"{type(error).__name__}: {error}")


def _side_by_side(jobs: Sequence[Job], at_once: int, on_event: OnEvent) -> list[Outcome]:
    context = multiprocessing.get_context("spawn")  # CUDA cannot be used after a fork
    waiting = list(range(len(jobs)))
    running: dict[Connection, tuple[int, SpawnProcess]] = {}
    outcomes: dict[int, Outcome] = {}
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                index = waiting.pop(0)
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=_work, args=(jobs[index], theirs))
                process.start()
                theirs.close()
                running[ours] = (index, process)
            for pipe in wait(running):
                assert isinstance(pipe, Connection)
                index, process = running[pipe]
                try:
                    event = pipe.recv()
                except EOFError:
                    process.join()
                    del running[pipe]
                    lost = f"its process ended with code {process.exitcode}. Go on with --resume."
                    outcomes.setdefault(index, Outcome(jobs[index], error=lost))
                    continue
                if isinstance(event, Outcome):
                    outcomes[index] = event
                else:
                    on_event(jobs[index], event)
    finally:
        for _, process in running.values():
            process.terminate()
            process.join()
    return [outcomes[index] for index in range(len(jobs))]


def _work(job: Job, pipe: Connection) -> None:
    """What a process does: run the job, and send its events and its outcome."""
    try:
        pipe.send(_outcome(job, pipe.send))
    except KeyboardInterrupt:
        sys.exit(130)  # the parent was interrupted too, and says so
