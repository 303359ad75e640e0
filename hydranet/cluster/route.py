"""Routes of any number of images by the workers of a Ray cluster, as partitioned Parquet."""

from __future__ import annotations

import time

import pyarrow as pa
import ray
from ray.data import ActorPoolStrategy

from hydranet.bulk.parts import Summary
from hydranet.bulk.rows import Settings
from hydranet.bulk.table import rows_table
from hydranet.checkpoints import Checkpoint
from hydranet.cluster.plan import Part, Plan
from hydranet.cluster.reading import Images
from hydranet.cluster.results import PARTITION, Results
from hydranet.cluster.worker import Packed, Worker
from hydranet.errors import InputError, one_line

FILE_BYTES = 4 * 2**20
"""Of rows in memory that are written together, some 10,000 rows."""
_LIGHT_CPUS = 0.0  # reading and writing wait for disks and networks; a worker has a CPU
_WORKERS_A_READER = 4


def route_on_cluster(
    checkpoint: Checkpoint, plan: Plan, results: Results, settings: Settings, *, workers: int
) -> Summary:
    """Route all that is planned into the folder of `results`, but for the parts that stand there.

    A worker, or a machine, that is lost is replaced by Ray and what it did not finish is done
    again; the rows are the same.

    Raises:
        InputError: the folder cannot be written, or Ray gives up.
    """
    started = time.perf_counter()
    sizes = plan.sizes()
    missing = list(plan.parts(without=results.whole(sizes)))
    if missing:
        try:
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
    helpers = -(-workers // _WORKERS_A_READER)
    read = ray.data.read_datasource(Images(parts), num_cpus=_LIGHT_CPUS, concurrency=helpers)
    routes = read.map_batches(
        Worker,
        fn_constructor_args=(ray.put(packed), settings),
        batch_format="pyarrow",
        batch_size=None,
        compute=ActorPoolStrategy(size=workers),
        num_cpus=1,
    )
    schema = rows_table([], packed.card, settings).schema.append(pa.field(PARTITION, pa.int32()))
    routes.write_parquet(
        results.path,
        filesystem=results.filesystem,
        partition_cols=[PARTITION],
        min_bytes_per_file=FILE_BYTES,
        ray_remote_args={"num_cpus": _LIGHT_CPUS},
        concurrency=helpers,
        schema=schema,
        compression="zstd",
    )


def _cause(error: Exception) -> BaseException:
    """What went wrong in a task, rather than that one did."""
    return getattr(error, "cause", None) or error.__cause__ or error
