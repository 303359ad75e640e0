"""Routes of any number of images by the workers of a Ray cluster, as partitioned Parquet."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import ray
from ray.data import ActorPoolStrategy, DataContext

from hydranet.bulk.parts import Summary
from hydranet.bulk.rows import Settings
from hydranet.checkpoints import Checkpoint
from hydranet.cluster.plan import Part, Plan
from hydranet.cluster.results import Results
from hydranet.cluster.worker import Packed, Worker
from hydranet.errors import InputError, one_line

_TASKS_A_WORKER = 8
"""At least, where there are images enough: workers should end at about the same time."""


def route_on_cluster(
    checkpoint: Checkpoint,
    plan: Plan,
    results: Results,
    settings: Settings,
    *,
    workers: int,
    progress: bool = False,
) -> Summary:
    """Route all that is planned into the folder of `results`, but for the parts that stand there.

    A worker, or a machine, that is lost is replaced by Ray and what it did not finish is done
    again; the rows are the same. `progress`: show Ray's bars on standard error.

    Raises:
        InputError: the folder cannot be written, or Ray gives up.
    """
    started = time.perf_counter()
    sizes = plan.sizes()
    missing = list(plan.parts(without=results.whole(sizes)))
    if missing:
        try:
            with _quiet(progress):
                _route(Packed.of(checkpoint), missing, results, settings, workers)
        except (ray.exceptions.RayError, OSError) as error:
            raise InputError(
                f"Ray has given up: {one_line(_cause(error))} Start again when that is mended; "
                "parts that are whole are not done again."
            ) from None
    summary = results.summary(sizes)
    summary.now = sum(part.images for part in missing)
    summary.seconds = time.perf_counter() - started
    return summary


def _route(
    packed: Packed, parts: list[Part], results: Results, settings: Settings, workers: int
) -> None:
    if len(parts) < _TASKS_A_WORKER * workers:
        parts = [run for part in parts for run in part.runs()]
    rows = [{"part": part} for part in parts]
    ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
        Worker,
        fn_constructor_args=(ray.put(packed), settings, results),
        batch_size=1,
        compute=ActorPoolStrategy(size=workers),
        num_cpus=1,
    ).materialize()


@contextmanager
def _quiet(progress: bool) -> Iterator[None]:
    """Ray Data says nothing on standard error from now on; until the context ends it shows its bars
    where they are wanted."""
    for handler in logging.getLogger("ray.data").handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setLevel(logging.CRITICAL)
    context = DataContext.get_current()
    before, context.enable_progress_bars = context.enable_progress_bars, progress
    try:
        yield
    finally:
        context.enable_progress_bars = before


def _cause(error: Exception) -> BaseException:
    """What went wrong in a task, rather than that one did."""
    return getattr(error, "cause", None) or error.__cause__ or error
