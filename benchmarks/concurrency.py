"""Many callers at once: requests a second and their 95th percentile, on one engine and two cores.

`python benchmarks/concurrency.py [NAME] [--engine E …] [--rounds N] [--seconds S] [--out FILE]`
lets 1, 2, 4, 8 and 16 callers ask one engine, shared by all, for one image at a time, each again as
soon as it is answered, for S seconds a round; the numbers of callers take turns, up in one round
and down in the next. Each caller runs on one thread, as a visitor of the dashboard does. `as they
come`: all at once; `in line`: through the dashboard's line for the cores, at most as many at once
as there are cores. Prints JSON: median, least and most over the rounds. Nothing else should run on
the machine meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from app.cores.admission import Admission
from hydranet.bench.measure import even_routes
from hydranet.bench.opening import open_variant
from hydranet.bench.rounds import Spread
from hydranet.checkpoints import find_checkpoint
from hydranet.machine import hardware, versions

CALLERS = (1, 2, 4, 8, 16)
LEAST_OF_BEST = 0.9
IMAGES = 64

Enter = Callable[[], AbstractContextManager[Any]]


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", default="hydra_res_d2")
    parser.add_argument("--engine", action="append")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    cores = os.cpu_count() or 1
    ways: dict[str, Enter] = {"as they come": nullcontext, "in line": Admission(cores).turn}
    jobs = {}
    for name in given.engine or ["onnx", "eager"]:
        ask = _asker(given.name, name)
        for way, enter in ways.items():
            for callers in CALLERS:
                jobs[name, way, callers] = (ask, enter, callers)
    found: dict[tuple[str, str, int], list[tuple[float, float]]] = {key: [] for key in jobs}
    for number in range(given.rounds):
        for key in list(jobs) if number % 2 == 0 else reversed(list(jobs)):
            found[key].append(_round(*jobs[key], seconds=given.seconds))
    report = {
        "machine": hardware(),
        "versions": versions(),
        "network": given.name,
        "images": "noise, one at a time; branches drawn evenly",
        "rounds": given.rounds,
        "seconds": given.seconds,
        "runs": [_as_json(key, values) for key, values in found.items()],
        "at_16_of_best": _at_most_callers(found),
        "at_least": LEAST_OF_BEST,
    }
    text = json.dumps(report, indent=1)
    if given.out:
        given.out.write_text(text + "\n")
    print(text)


def _asker(network: str, name: str) -> Callable[[int], object]:
    checkpoint = find_checkpoint(network)
    engine, costs = open_variant(checkpoint, name), checkpoint.card.costs
    side = checkpoint.card.architecture.image_size
    pixels = np.random.default_rng(0).integers(0, 256, (IMAGES, side, side, 3), dtype=np.uint8)
    fired = even_routes(IMAGES, costs.num_branches, costs.k) if costs.num_branches else None

    def ask(number: int) -> object:
        one = slice(number % IMAGES, number % IMAGES + 1)
        return engine.run(pixels[one], fired=None if fired is None else fired[one])

    for number in range(IMAGES):
        ask(number)
    return ask


def _round(
    ask: Callable[[int], object], enter: Enter, callers: int, *, seconds: float
) -> tuple[float, float]:
    """Requests a second, and the 95th percentile of their milliseconds from asking to answer."""
    taken: list[list[float]] = [[] for _ in range(callers)]
    start = threading.Barrier(callers + 1)
    over = threading.Event()

    def call(own: list[float], first: int) -> None:
        ask(first)  # a thread's first call sets it up
        start.wait()
        while not over.is_set():
            asked = time.perf_counter()
            with enter():
                ask(first + len(own))
            own.append(1000 * (time.perf_counter() - asked))

    threads = [
        threading.Thread(target=call, args=(own, 7 * index)) for index, own in enumerate(taken)
    ]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    time.sleep(seconds)
    over.set()
    for thread in threads:
        thread.join()
    passed = time.perf_counter() - began
    every = np.concatenate([np.array(own) for own in taken])
    return len(every) / passed, float(np.percentile(every, 95))


def _as_json(key: tuple[str, str, int], values: list[tuple[float, float]]) -> dict[str, Any]:
    engine, way, callers = key
    rates, slow = zip(*values, strict=True)
    return {
        "engine": engine,
        "way": way,
        "callers": callers,
        "requests_per_s": Spread.of(rates).to_json(),
        "p95_ms": Spread.of(slow).to_json(),
    }


def _at_most_callers(
    found: dict[tuple[str, str, int], list[tuple[float, float]]],
) -> list[dict[str, Any]]:
    """Requests a second at 16 callers as a part of the best of that round, for each engine."""
    parts = []
    for engine, way in dict.fromkeys((engine, way) for engine, way, _ in found):
        by_callers = [[rate for rate, _ in found[engine, way, callers]] for callers in CALLERS]
        values = [rates[-1] / max(rates) for rates in zip(*by_callers, strict=True)]
        parts.append({"engine": engine, "way": way, "ratio": Spread.of(values).to_json()})
    return parts


if __name__ == "__main__":
    main()
