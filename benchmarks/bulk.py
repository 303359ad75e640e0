"""`hydranet route` on many images as Parquet: against its engine's own rate, and its memory.

    python benchmarks/bulk.py DATA [NAME …] [--rounds N] [--repeat TIMES] [--out FILE]

DATA is the folder of a data set as Parquet, of which the test images are routed. In each round, of
each network: *engine*, as many processes as there are cores run the same engine on the decoded
images, which lie in memory, in batches as large as the command's; *route*, the command as one types
it, with the decoding and the writing. Its rate is what it prints, from the first image read to the
last part written; `whole` counts the start of Python and the opening of the network too.

`--repeat TIMES` then routes a table in which the images stand so often, once, and looks at the
memory of all its processes together (PSS, twice a second) and at the processor's time that they
took, beside that of the engine alone: a ratio that other work on the machine hardly touches.
`--rounds 0` does nothing else. Prints JSON. Nothing else should run.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import chain, pairwise, repeat
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from hydranet.bench.rounds import Spread
from hydranet.bulk import sources
from hydranet.bulk.batch import BATCH
from hydranet.bulk.items import pixels_of
from hydranet.checkpoints import find_checkpoint
from hydranet.engines import open_engine
from hydranet.machine import hardware, versions

AT_LEAST = 0.7
CORES = os.cpu_count() or 1
_PATIENCE_S = 120  # a process that has failed does not come


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("names", nargs="*", default=[])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=0)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    names = given.names or ["hydra_res_d1", "hydra_res_d2"]
    tables = sorted(given.data.glob("test*.parquet"))
    report: dict[str, Any] = {
        "machine": hardware(),
        "versions": versions(),
        "rounds": given.rounds,
        "at_least": AT_LEAST,
    }
    if given.rounds:
        report["networks"] = {name: _rounds(name, tables, given.rounds) for name in names}
    if given.repeat:
        report["repeated"] = _repeated(names[0], tables, given.repeat)
    text = json.dumps(report, indent=1)
    if given.out:
        given.out.write_text(text + "\n")
    print(text)


def _rounds(name: str, tables: list[Path], rounds: int) -> dict[str, Any]:
    """Images a second, and the ratio within each round."""
    engine, rate, whole = [], [], []
    for number in range(rounds):
        for way in ("engine", "route") if number % 2 == 0 else ("route", "engine"):
            if way == "engine":
                engine.append(_engine_rate(name, tables))
            else:
                started = time.perf_counter()
                said = json.loads(_route(name, tables)[0])
                whole.append(said["images"] / (time.perf_counter() - started))
                rate.append(said["images_per_second"])
    return {
        "engine": Spread.of(engine).to_json(),
        "route": Spread.of(rate).to_json(),
        "whole": Spread.of(whole).to_json(),
        "ratio": Spread.of([a / b for a, b in zip(rate, engine, strict=True)]).to_json(),
    }


def _engine_rate(name: str, tables: list[Path]) -> float:
    """Images a second that all cores together run once they are decoded."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(CORES + 1, timeout=_PATIENCE_S)
    workers = [
        context.Process(target=_run_decoded, args=(name, tables, number, barrier))
        for number in range(CORES)
    ]
    for worker in workers:
        worker.start()
    barrier.wait()
    started = time.perf_counter()
    barrier.wait()
    seconds = time.perf_counter() - started
    for worker in workers:
        worker.join()
    return _count(tables) / seconds


def _run_decoded(name: str, tables: list[Path], number: int, barrier: Barrier) -> None:
    """In a process of its own: one core's share of the images."""
    card = (checkpoint := find_checkpoint(name)).card
    engine, images = open_engine(checkpoint), _count(tables)
    share = range(images * number // CORES, images * (number + 1) // CORES)
    pixels = np.stack(
        [
            pixels_of(item, card.architecture.image_size)
            for place, item in enumerate(sources.iterate(tables))
            if place in share
        ]
    )
    engine.run(pixels[:BATCH])
    barrier.wait()
    for start in range(0, len(pixels), BATCH):
        engine.run(pixels[start : start + BATCH])
    barrier.wait()


def _count(tables: list[Path]) -> int:
    return sum(pq.read_metadata(path).num_rows for path in tables)


def _route(name: str, tables: list[Path]) -> tuple[str, list[dict[str, float]]]:
    """What the command printed, and the memory of its processes while it ran."""
    folder, seen = tempfile.mkdtemp(), []
    command = [sys.executable, "-m", "hydranet", "route", *map(str, tables), "--checkpoint", name]
    try:
        running = subprocess.Popen(
            [*command, "--out", f"{folder}/routes", "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        started = time.perf_counter()
        while running.poll() is None:
            megabytes = _memory(running.pid) / 1e6
            seen.append({"s": round(time.perf_counter() - started, 1), "mb": round(megabytes)})
            time.sleep(0.5)
        assert running.stdout is not None, "it was asked for"
        return running.stdout.read(), seen
    finally:
        shutil.rmtree(folder)


def _memory(pid: int) -> int:
    """Bytes of a process and of its children; what several of them share counts once."""
    try:
        smaps = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        own = sum(int(line.split()[1]) for line in smaps if line.startswith("Pss:"))
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it ended just now
        return 0
    return own * 1024 + sum(_memory(int(child)) for child in children)


def _repeated(name: str, tables: list[Path], times: int) -> dict[str, Any]:
    """A table with all images so often, in one row group an image of which is read at a time."""
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "images.parquet"
        with pq.ParquetWriter(large, pq.read_schema(tables[0])) as writer:
            for path in chain.from_iterable(repeat(tables, times)):
                writer.write_table(pq.read_table(path), row_group_size=1_000_000)
        before = _processor_s()
        said, seen = _route(name, [large])
        spent = _processor_s() - before
        peaks = [max(one["mb"] for one in part) for part in _tenths(seen)]
        found = json.loads(said)
        return {
            "network": name,
            "images": found["images"],
            "images_per_second": found["images_per_second"],
            "processor_ms_an_image": 1000 * spent / found["images"],
            "processor_ms_an_image_engine_alone": _engine_ms(name, tables),
            "file_mb": round(large.stat().st_size / 1e6),
            "peak_mb": max(peaks),
            "peak_mb_by_tenth_of_the_time": peaks,
        }


def _processor_s() -> float:
    """Seconds of the processor that the commands took so far, with all their processes."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _engine_ms(name: str, tables: list[Path]) -> float:
    """Milliseconds of the processor that the engine takes for an image that is decoded."""
    checkpoint = find_checkpoint(name)
    engine, side = open_engine(checkpoint), checkpoint.card.architecture.image_size
    pixels = np.stack([pixels_of(item, side) for item in sources.iterate(tables)])
    engine.run(pixels[:BATCH])
    started = time.process_time()
    for start in range(0, len(pixels), BATCH):
        engine.run(pixels[start : start + BATCH])
    return 1000 * (time.process_time() - started) / len(pixels)


def _tenths(seen: list[dict[str, float]]) -> list[list[dict[str, float]]]:
    cuts = [len(seen) * tenth // 10 for tenth in range(11)]
    return [seen[a:b] for a, b in pairwise(cuts) if a < b]


if __name__ == "__main__":
    main()
