"""Jobs made ready: each with a name that overwrites nothing, and with a start that will be there.

A HydraNet gets its subtasks from a static network. Where none of the same classes has been trained
yet, it is trained first, as a job and a checkpoint of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hydranet.errors import InputError
from hydranet.training.job import AUTO_START, Job, static_of
from hydranet.training.names import check_folder_name, free_name, is_trained, name_of
from hydranet.training.plan import plan_architecture


@dataclass(frozen=True)
class Queue:
    """`first`: static networks that some of `then` start from; `added`: the names of those that
    nobody asked for."""

    first: list[Job]
    then: list[Job]
    added: tuple[str, ...]


def make_queue(jobs: Sequence[Job], class_names: tuple[str, ...]) -> Queue:
    """The jobs with names and starts settled for these classes.

    A job without a name gets that of `free_name`. A job that cannot be, since its network is
    unknown or its branches do not fit, is left as it is: it will say so when it runs, and nothing
    is trained for it before.

    Raises:
        InputError: a name is needed and none is free.
    """
    asked = {job.name: job for job in (_named(job, class_names) for job in jobs)}
    if len(asked) < len(jobs):
        raise InputError("Each network can be trained once in a call, but one stands twice.")
    added: dict[str, Job] = {}
    needed: set[str] = set()
    settled: dict[str, Job] = {}
    for name, job in asked.items():
        start = _start(job, class_names)
        if start == AUTO_START:
            static = _static_job(job, class_names)
            start = static.name
            if start in asked:
                needed.add(start)
            elif not is_trained(start, job.root, class_names, job.image_size):
                added[start] = static
        settled[name] = replace(job, recipe=replace(job.recipe, start=start))
    first = [*added.values(), *(job for name, job in settled.items() if name in needed)]
    then = [job for name, job in settled.items() if name not in needed]
    return Queue(first, then, tuple(added))


def _named(job: Job, class_names: tuple[str, ...]) -> Job:
    if job.name:
        check_folder_name(job.name)
        return job
    name = free_name(name_of(job.model), job.data, job.root, class_names, job.image_size)
    return replace(job, name=name)


def _start(job: Job, class_names: tuple[str, ...]) -> str | None:
    """As asked; "auto" also where nothing is asked and subtasks are made from a static network."""
    start = job.recipe.start
    try:
        config = plan_architecture(
            job.model,
            num_classes=len(class_names),
            image_size=job.image_size,
            branches=job.branches,
            k=job.k,
        )
    except InputError:
        return None
    if start is None and config.has_subtasks and job.recipe.subtasks == "clusters":
        start = AUTO_START
    return start if start != AUTO_START or config.static != config else None


def _static_job(job: Job, class_names: tuple[str, ...]) -> Job:
    """The job that trains the static network which `job` starts from, by the same recipe."""
    model = static_of(job.model)
    assert model is not None, "only a static network starts from none"
    recipe = replace(job.recipe, start=None, teacher=None, gate_targets="subtask")
    return _named(
        replace(job, model=model, name="", recipe=recipe, branches=None, k=None), class_names
    )
