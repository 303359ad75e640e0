"""The bars of `hydranet train`: one a network, and a line for each epoch."""

from __future__ import annotations

from rich.progress import Progress as Bar
from rich.progress import TaskID

from hydranet.training.history import EpochRecord
from hydranet.training.job import Event, Job, Measured
from hydranet.training.source import Read


class TrainingBars:
    """Shows what jobs report on a bar of `hydranet.cli.shared.progress_bar`, if there is one."""

    def __init__(self, bar: Bar | None, jobs: list[Job]) -> None:
        self._bar = bar
        self._several = len(jobs) > 1
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def announce(self, added: tuple[str, ...]) -> None:
        """Say which networks are trained although nobody asked for them."""
        if self._bar is None or not added:
            return
        them = "them" if len(added) > 1 else "it"
        self._bar.console.print(
            f"{', '.join(added)} first: subtasks are made from {them}, and no checkpoint of these "
            "classes is there yet."
        )

    def __call__(self, job: Job, event: Event) -> None:
        """Move the job's bar; after an epoch print what it gave."""
        if self._bar is None:
            return
        if isinstance(event, Read):
            task = self._task(self._bar, f"Reading {event.split} images of", job)
            self._bar.update(task, completed=event.done, total=event.total)
            return
        if isinstance(event, Measured):
            task = self._task(self._bar, "Evaluating", job)
            self._bar.update(task, completed=event.done, total=event.total)
            return
        note = (
            f"epoch {event.epoch + 1}/{event.epochs}, loss {event.loss:.3f}, "
            f"{event.images_per_second:.0f} images/s"
        )
        done, total = event.epoch * event.steps + event.step, event.epochs * event.steps
        self._bar.update(
            self._task(self._bar, "Training", job), completed=done, total=total, note=note
        )
        if event.record:
            name = f"{job.name}, " if self._several else ""
            self._bar.console.print(name + _line(event.record))

    def _task(self, bar: Bar, doing: str, job: Job) -> TaskID:
        key = (doing, job.name)
        if key not in self._tasks:
            self._tasks[key] = bar.add_task(f"{doing} {job.name}", total=None, note="")
        return self._tasks[key]


def _line(record: EpochRecord) -> str:
    hits = "" if record.hit_rate is None else f", hit rate {record.hit_rate:.1f} %"
    return (
        f"epoch {record.epoch + 1}: loss {record.loss:.4f}, top-1 training "
        f"{record.train_top1:.2f} %, validation {record.validation_top1:.2f} %{hits}, "
        f"{record.images_per_second:.0f} images/s"
    )
