"""How long a data set of millions of images takes to be asked, and how much memory.

`python benchmarks/specialisation.py [--rows M] [--branches N] [--folder DIR]` writes two route logs
of M images (10 million unless told) piece by piece, opens one, asks for every view of the page
Specialise, and prints one JSON object: seconds to open, seconds of each view, and peak memory of a
process of its own that did nothing else; for the view of two networks, which needs no open log, of
another such process. The logs are random: routes are spread far wider than a trained gate spreads
them, which is the dearer case. They go into a temporary folder, or into DIR, where they stay and
are taken from the next time, so that a measurement can begin at once. Nothing else should run
meanwhile.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hydranet import specialisation as sp
from hydranet.machine import hardware
from hydranet.specialisation.slices import Slice, slice_figures, slice_page

CLASSES, K, PIECE = 100, 4, 200_000


def main() -> None:
    """Generate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--branches", type=int, default=20)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only-write", action="store_true", help="measure another time")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        logs = [folder / name for name in ("routes.parquet", "other.parquet")]
        for seed, path in enumerate(logs):
            if not path.exists():
                write(path, given.rows, given.branches, seed=seed)
        if given.only_write:
            return
        figures = alone(measure, logs[0], given.branches)
        figures["two networks"] = alone(measure_pair, logs)
    report = {
        "machine": hardware(),
        "versions": {name: version(name) for name in ("duckdb", "numpy", "pyarrow")},
        "rows": given.rows,
        "branches": given.branches,
        **figures,
    }
    print(json.dumps(report, ensure_ascii=False))


def alone(work: Callable[..., dict[str, Any]], *arguments: object) -> dict[str, Any]:
    """What `work` measures in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as process:
        return process.apply(work, arguments)


def write(path: Path, rows: int, branches: int, *, seed: int) -> None:
    """A log in the layout of `route_log`; the second (seed 1) is of the same images."""
    writer, part = None, path.with_suffix(".part")
    labels, rng = np.random.default_rng(0), np.random.default_rng(seed)
    for start in range(0, rows, PIECE):
        count = min(PIECE, rows - start)
        label = labels.integers(0, CLASSES, count, dtype=np.int32)
        scores = rng.standard_normal((count, branches), dtype=np.float32)
        scores[np.arange(count), label % branches] += 2
        scores = scores.astype(np.float16)
        fired = np.argsort(-scores.astype(np.float32), axis=1, kind="stable")[:, :K]
        right = rng.random(count) < 0.6
        flips = rng.random((count, branches)) < 0.05
        flips[:, K - 1] = False
        columns = {
            "index": pa.array(np.arange(start, start + count, dtype=np.int32)),
            "label": pa.array(label),
            "prediction": pa.array(np.where(right, label, (label + 1) % CLASSES).astype(np.int32)),
            "confidence": pa.array(rng.random(count).astype(np.float16)),
            "gate_scores": lists(scores),
            "fired": lists(fired.astype(np.int16)),
            "correct_by_k": lists(right[:, None] ^ flips),
            "correct_with_subtask": lists(right[:, None] | flips),
            "correct_subtask_first": lists(right[:, None] | ~flips),
        }
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(part, table.schema, compression="zstd")
        writer.write_table(table)
    if writer:
        writer.close()
        part.rename(path)


def lists(values: np.ndarray) -> pa.Array:
    """(M, W) → M lists of W."""
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])


def measure(log: Path, branches: int) -> dict[str, Any]:
    """Seconds to open the log and of each view, and the most memory that was held."""
    subtasks = [label % branches for label in range(CLASSES)]
    table, opening = timed(
        lambda: sp.open_route_table(log, num_classes=CLASSES, subtask_of_class=subtasks)
    )
    wrong = Slice(label=3, branch=3, correct=False, margin=(0.0, 0.5))
    views: dict[str, Callable[[], object]] = {
        "firing share": lambda: sp.firing_share(table),
        "load": lambda: sp.branch_load(table),
        "branches that stand out": lambda: sp.findings(table),
        "gate by k": lambda: sp.gate_by_k(table),
        "perfect gate": lambda: sp.perfect_gate(table),
        "reliability of the answer": lambda: sp.reliability(table, "answer"),
        "reliability of the gate": lambda: sp.reliability(table, "gate"),
        "confusion": lambda: sp.confusion(table),
        "map of classes by gate scores": lambda: sp.score_map(table),
        "figures of all images": lambda: slice_figures(table, Slice()),
        "figures of a slice": lambda: slice_figures(table, wrong),
        "same class, different route": lambda: slice_figures(table, Slice(unusual="route")),
        "same route, different class": lambda: slice_figures(table, Slice(unusual="class")),
        "page of a slice": lambda: slice_page(table, wrong, first=100, count=50),
    }
    seconds = {name: round(timed(view)[1], 3) for name, view in views.items()}
    return {
        "seconds_to_open": round(opening, 2),
        "seconds": seconds,
        "slowest_view_s": max(seconds.values()),
        "peak_mb": peak_mb(),
    }


def measure_pair(logs: list[Path]) -> dict[str, Any]:
    """Seconds to compare two logs, and the most memory that was held."""
    _, seconds = timed(lambda: sp.compare_logs(*logs, num_classes=CLASSES))
    return {"seconds": round(seconds, 3), "peak_mb": peak_mb()}


def peak_mb() -> int:
    """Of this process since it began."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What `work` gives, and its seconds."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


if __name__ == "__main__":
    main()
