"""What `hydranet train --log` writes beside the progress on the screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from hydranet.errors import InputError
from hydranet.training.job import Event, Job
from hydranet.training.loop import Progress
from hydranet.training.several import OnEvent
from hydranet.training.tensorboard_log import TensorBoardLog

LOGS = ("tensorboard",)


@contextmanager
def training_logs(kind: str | None, jobs: list[Job]) -> Iterator[OnEvent]:
    """What is to be told of every event of the jobs; does nothing where no log was asked for.

    Each job has its log in the folder of its run. Of several processes only the first gives its
    jobs here, and events of other jobs are passed over.

    Raises:
        InputError: the kind is unknown, or its package is not installed.
    """
    if kind is not None and kind not in LOGS:
        raise InputError(f"--log must be {' or '.join(LOGS)}, not {kind!r}.")
    with ExitStack() as stack:
        logs: dict[str, TensorBoardLog] = {}
        if kind is not None:
            for job in jobs:
                log = TensorBoardLog(job.runs / job.name, job.recipe)
                logs[job.name] = stack.enter_context(log)

        def log_event(job: Job, event: Event) -> None:
            if job.name in logs and isinstance(event, Progress):
                logs[job.name](event)

        yield log_event
