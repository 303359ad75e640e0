"""int8 against single precision: speed, size and top-1 of the checkpoints that were quantised.

    python benchmarks/int8.py [NAME …] [--rounds N] [--out FILE]

Speed: the engines onnx and int8 in turns on one thread, images of noise, branches drawn evenly, as
a ratio within each round. Counted is the processor's time, not the clock's, so that what else runs
on the machine counts only by the caches that it takes. Size: of the weights in single precision and
of the int8 graphs, both as they are run. Top-1: from the cards, where `hydranet quantise` put what
it measured on the test images. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hydranet.bench.measure import even_routes
from hydranet.bench.rounds import LEAST_MS, Spread
from hydranet.checkpoints import Checkpoint, find_checkpoint, list_checkpoints
from hydranet.engines import Engine, open_engine
from hydranet.engines.int8.engine import Int8Engine
from hydranet.machine import hardware, versions

BATCHES = (1, 16, 64, 256)
_FLOAT_BYTES = 4


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.names:
        found = [find_checkpoint(name) for name in given.names]
    else:
        found = [one for one in list_checkpoints()[0] if one.card.int8 is not None]
    report = {
        "machine": hardware(),
        "versions": versions(),
        "rounds": given.rounds,
        "time": "of the processor, one thread",
        "networks": {one.name: _network(one, given.rounds) for one in found},
    }
    text = json.dumps(report, indent=1)
    if given.out:
        given.out.write_text(text + "\n")
    print(text)


def _network(checkpoint: Checkpoint, rounds: int) -> dict[str, Any]:
    card = checkpoint.card
    int8, single = Int8Engine(checkpoint), open_engine(checkpoint, "onnx")
    assert card.int8 is not None, "the engine has opened it"
    return {
        "float_bytes": _FLOAT_BYTES * card.costs.parameters,
        "int8_bytes": int8.size,
        **asdict(card.int8),
        "speed": [_speed(single, int8, batch, rounds) for batch in BATCHES],
    }


def _speed(single: Engine, int8: Engine, batch: int, rounds: int) -> dict[str, Any]:
    """Milliseconds an image, and how many times as fast int8 is."""
    jobs = [_job(engine, batch) for engine in (single, int8)]
    calls = [max(1, round(LEAST_MS / max(min(_times(job, 3)), 1e-3))) for job in jobs]
    found: list[list[float]] = [[], []]
    for number in range(rounds):
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            found[which].append(sum(_times(jobs[which], calls[which])) / calls[which] / batch)
    ratios = [of / to for of, to in zip(*found, strict=True)]
    return {
        "batch": batch,
        "onnx_ms": Spread.of(found[0]).to_json(),
        "int8_ms": Spread.of(found[1]).to_json(),
        "ratio": Spread.of(ratios).to_json(),
    }


def _job(engine: Engine, batch: int) -> Callable[[], object]:
    side, costs = engine.card.architecture.image_size, engine.card.costs
    pixels = np.random.default_rng(0).integers(0, 256, (batch, side, side, 3), dtype=np.uint8)
    fired = even_routes(batch, costs.num_branches, costs.k) if costs.num_branches else None
    return partial(engine.run, pixels, fired=fired)


def _times(job: Callable[[], object], calls: int) -> list[float]:
    """Milliseconds of the processor, a call each."""
    found = []
    for _ in range(calls):
        start = time.process_time()
        job()
        found.append(1000 * (time.process_time() - start))
    return found


if __name__ == "__main__":
    main()
