"""How cost grows: images/s against the number of branches, against k, and against the batch.

`python benchmarks/growth.py [--engine E …] [--rounds N] [--out FILE]` times Hydra-Res-d1 with
random weights on one core, in turns: with 5 to 80 branches of which 4 fire; with 20 of which 1 to
20 fire; and with its own 4 of 20, from 1 to 256 images at once; the first two at 1 and 64 images.
Which fire is drawn evenly. Prints JSON: images/s as median, least and most over the rounds. Nothing
else should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from hydranet.bench.measure import even_routes
from hydranet.bench.opening import open_variant
from hydranet.bench.rounds import Spread, in_turns
from hydranet.bench.subjects import untrained
from hydranet.engines import Engine
from hydranet.machine import hardware, versions
from hydranet.registry import model_config

NETWORK, BRANCHES, K = "hydra_res_d1", 20, 4
MORE_BRANCHES = (5, 10, 20, 40, 80)
MORE_K = (1, 2, 4, 8, 12, 16, 20)
MORE_IMAGES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
AT_BATCHES = (1, 64)

Point = tuple[str, int, int, int]
"""What varies, the number of branches, k, and the batch."""


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", action="append")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    points: list[Point] = [("branches", n, K, b) for b in AT_BATCHES for n in MORE_BRANCHES]
    points += [("k", BRANCHES, k, b) for b in AT_BATCHES for k in MORE_K]
    points += [("batch", BRANCHES, K, b) for b in MORE_IMAGES]
    keys, jobs = [], []
    with TemporaryDirectory() as folder:
        for name in given.engine or ["onnx", "eager"]:
            engines = {
                count: _engine(name, count, Path(folder)) for count in {n for _, n, _, _ in points}
            }
            for point in points:
                keys.append((name, point))
                jobs.append(_job(engines[point[1]], *point[1:]))
        times = in_turns(jobs, given.rounds)
    report = {
        "machine": hardware(),
        "versions": versions(),
        "threads": 1,
        "network": f"{NETWORK}, random weights",
        "images": "noise; branches drawn evenly",
        "rounds": given.rounds,
        "runs": [_as_json(*key, ms) for key, ms in zip(keys, times, strict=True)],
    }
    text = json.dumps(report, indent=1)
    if given.out:
        given.out.write_text(text + "\n")
    print(text)


def _engine(name: str, branches: int, folder: Path) -> Engine:
    config = model_config(NETWORK, num_branches=branches)
    return open_variant(untrained(f"{NETWORK}_{branches}", config, folder), name)


def _job(engine: Engine, branches: int, k: int, batch: int) -> Callable[[], object]:
    side = engine.card.architecture.image_size
    pixels = np.random.default_rng(0).integers(0, 256, (batch, side, side, 3), dtype=np.uint8)
    return partial(engine.run, pixels, fired=even_routes(batch, branches, k))


def _as_json(engine: str, point: Point, ms: list[float]) -> dict[str, Any]:
    varies, branches, k, batch = point
    return {
        "engine": engine,
        "varies": varies,
        "branches": branches,
        "k": k,
        "batch": batch,
        "images_per_s": Spread.of([1000 * batch / one for one in ms]).to_json(),
    }


if __name__ == "__main__":
    main()
