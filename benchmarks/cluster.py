"""`hydranet route` in one process and on a Ray cluster on this machine, in turns.

`python benchmarks/cluster.py TABLE… [--checkpoint NAME] [--rounds N] [--workers W …] [--out FILE]`
routes the images of Parquet tables (the 50,000 of CIFAR-100's training set, say) by whole commands,
as a user gives them: for each W with `--threads W`, and with `--engine ray --workers W --address`
of a cluster that this script has started before; forwards in one round and backwards in the next,
each into a folder of its own. It checks that the rows are the same. `wall`: seconds from a
command's start to its end; `routing`: those that the command counts, without its start; `cpu`:
seconds of all processes together, the cluster's own included, sampled ten times a second; other
work on the machine changes it least. The same for 64 images is what it takes to begin and to end,
for `ray`, `process`, and for `own`, a cluster that is started for the command and ends with it.
Prints JSON: median, least and most over the rounds. Linux only.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import ray

from hydranet.bench.rounds import Spread
from hydranet.machine import hardware, versions

_PR_SET_CHILD_SUBREAPER = 36  # what Ray's processes leave behind stays below this one
_SAMPLED_S = 0.1
FEW = 64
_TICKS = os.sysconf("SC_CLK_TCK")
AT_MOST = 1.15


def main() -> None:
    """Measure, compare, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="+", type=Path)
    parser.add_argument("--checkpoint", default="hydra_res_d2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    ray.init(num_cpus=max(given.workers), include_dashboard=False, log_to_driver=False)
    on_ray = ("--engine", "ray", "--address", ray.get_runtime_context().gcs_address, "--workers")
    jobs: dict[Job, tuple[object, ...]] = {}
    for count in given.workers:
        jobs |= {Job("process", count, all): ("--threads", count) for all in (False, True)}
        jobs |= {Job("ray", count, all): (*on_ray, count) for all in (False, True)}
        jobs[Job("own", count, False)] = ("--engine", "ray", "--workers", count)
    found: dict[Job, list[dict[str, float]]] = {job: [] for job in jobs}
    with tempfile.TemporaryDirectory(prefix="hydranet-") as folder:
        few = Path(folder, "few.parquet")
        pq.write_table(pq.read_table(given.tables[0]).slice(0, FEW), few)
        for number in range(given.rounds):
            for job in list(jobs) if number % 2 == 0 else reversed(list(jobs)):
                tables, out = given.tables if job.all else [few], Path(folder, job.name)
                found[job].append(_measured(tables, given.checkpoint, out, jobs[job]))
                print(job.name, found[job][-1], file=sys.stderr, flush=True)
        images = _check_same([Path(folder, job.name) for job in jobs if job.all])
    report = {
        "machine": hardware(),
        "versions": {**versions(), "ray": version("ray"), "pyarrow": version("pyarrow")},
        "network": given.checkpoint,
        "rounds": given.rounds,
        "load": os.getloadavg()[0],
        "runs": [_as_json(job, found[job], images if job.all else FEW) for job in jobs],
        "ray_to_process": {
            str(count): _ratios(found[Job("ray", count, True)], found[Job("process", count, True)])
            for count in given.workers
        },
        "at_most": AT_MOST,
    }
    text = json.dumps(report, indent=1)
    if given.out:
        given.out.write_text(text + "\n")
    print(text)
    ray.shutdown()


@dataclass(frozen=True)
class Job:
    """`way`: process, ray or own; `all`: all images or the first few."""

    way: str
    workers: int
    all: bool

    @property
    def name(self) -> str:
        """For its folder and what is shown on the way."""
        return f"{self.way}-{self.workers}-{'all' if self.all else 'few'}"


def _measured(
    tables: Sequence[Path], checkpoint: str, out: Path, options: Sequence[object]
) -> dict[str, float]:
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "hydranet", "route", *tables, "--checkpoint", checkpoint]
    before = _used_below(os.getpid())
    started = time.perf_counter()
    running = subprocess.Popen(
        [*map(str, command), "--out", str(out), *map(str, options), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    used = dict(before)
    while running.poll() is None:
        used |= _used_below(os.getpid())
        time.sleep(_SAMPLED_S)
    wall = time.perf_counter() - started
    assert running.stdout is not None, "it was asked for"
    said = json.loads(running.stdout.read())
    return {
        "wall": wall,
        "routing": said["images_now"] / said["images_per_second"],
        "cpu": sum(used.values()) - sum(before.values()),
    }


def _used_below(root: int) -> dict[int, float]:
    """Seconds of processor time of each process that is below `root` in the tree, by number."""
    parents, used = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            number = int(folder.name)
            parents[number], used[number] = (
                int(fields[1]),
                (int(fields[11]) + int(fields[12])) / _TICKS,
            )
    below = {root}
    while more := {number for number, parent in parents.items() if parent in below} - below:
        below |= more
    return {number: used[number] for number in below - {root}}


def _check_same(folders: Sequence[Path]) -> int:
    """How many rows each folder has; they must be the same in all."""
    tables = [
        ds.dataset(folder, format="parquet", partitioning="hive").to_table().sort_by("index")
        for folder in folders
    ]
    columns = tables[0].column_names
    for folder, table in zip(folders, tables, strict=True):
        if not table.select(columns).equals(tables[0]):
            raise SystemExit(f"{folder.name} has other rows than {folders[0].name}.")
    return tables[0].num_rows


def _as_json(job: Job, values: list[dict[str, float]], images: int) -> dict[str, Any]:
    spreads = {name: Spread.of([one[name] for one in values]) for name in values[0]}
    return {
        "way": job.way,
        "workers": job.workers,
        "images": images,
        "images_per_s": images / spreads["wall"].median,
        "core_ms_per_image": 1e3 * job.workers * spreads["wall"].median / images,
        "cpu_ms_per_image": 1e3 * spreads["cpu"].median / images,
        **{f"{name}_s": spread.to_json() for name, spread in spreads.items()},
    }


def _ratios(ray: list[dict[str, float]], process: list[dict[str, float]]) -> dict[str, Any]:
    """How many times as long as a single process's, round by round."""
    return {
        name: Spread.of(
            [one[name] / other[name] for one, other in zip(ray, process, strict=True)]
        ).to_json()
        for name in ray[0]
    }


if __name__ == "__main__":
    main()
