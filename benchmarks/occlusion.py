"""What others notice while one visitor has occlusion computed on ResNet-110.

    python benchmarks/occlusion.py [--visitors N] [--rounds N] [--out FILE]

ResNet-110 has random weights, made here; its times do not depend on them. In each round, N visitors
choose another k of Hydra-Res-d1 again and again, first by themselves, then while one more has the
most expensive explanation that there is computed. Prints JSON: how long that takes, and how long a
change of k takes with and without it.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.outside.serving import served
from app.outside.visitor import Visitor
from hydranet.bench.rounds import Spread
from hydranet.checkpoints import (
    ROUTES,
    encode_weights,
    find_checkpoint,
    load,
    write_checkpoint,
)
from hydranet.evaluation.route_log import read_route_log
from hydranet.machine import cores, hardware, versions
from hydranet.models import create_model
from hydranet.registry import model_config

NETWORK, SLOW, LIKE = "hydra_res_d1", "resnet110", "resnet20"
KS = (1, 2, 3, 4, 6, 8)
ALONE_S = 10.0
LOOKS_S = 0.5


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copytree(find_checkpoint(NETWORK).folder, root / NETWORK)
        _make_slow(root)
        environment = {"HYDRANET_CHECKPOINTS": folder}
        with served(environment=environment) as at:
            rounds = [_round(at.address, given.visitors, n) for n in range(given.rounds)]
    report = {
        "machine": hardware(),
        "cores": cores(),
        "versions": versions(),
        "visitors": given.visitors,
        "rounds": given.rounds,
        "occlusion_s": Spread.of([one["occlusion_s"] for one in rounds]).to_json(),
        "k_alone_s": _together(rounds, "alone"),
        "k_beside_s": _together(rounds, "beside"),
    }
    text = json.dumps(report, indent=1)
    if given.out:
        given.out.write_text(text + "\n")
    print(text)


def _make_slow(root: Path) -> None:
    """A checkpoint with random weights, and for the rest the card of another network."""
    like = load(LIKE)
    assert like.card is not None, "a loaded network has its card"
    weights, digest = encode_weights(create_model(SLOW))
    card = replace(like.card, name=SLOW, architecture=model_config(SLOW), weights_sha256=digest)
    routes = read_route_log(find_checkpoint(LIKE).folder / ROUTES)
    write_checkpoint(root, card=card, weights=weights, routes=routes)


def _round(address: str, visitors: int, number: int) -> dict[str, Any]:
    """One occlusion; each round on another sample photo and another class, so nothing is kept."""
    sample = ("astronaut", "camera", "cat", "coffee", "rocket")[number % 5]
    query = f"network={SLOW}&view=Why&method=occlusion&sample={sample}"
    over = threading.Event()
    with Visitor(address, query=query) as one, ThreadPoolExecutor(visitors) as pool:
        alone = _others(pool, address, visitors, number, _until(time.monotonic() + ALONE_S))
        beside = [
            pool.submit(_change, address, 100 * number + seed, over.is_set)
            for seed in range(visitors)
        ]
        time.sleep(2 * LOOKS_S)  # until they have their pages
        began = time.perf_counter()
        one.press("start_why")
        took = time.perf_counter() - began
        over.set()
        if one.tree.error or not one.shows(b"**Which pixels "):
            raise RuntimeError("The occlusion did not come to its end.")
        found = [future.result() for future in beside]
    return {
        "occlusion_s": took,
        "alone": [s for seconds in alone for s in seconds],
        "beside": [s for seconds in found for s in seconds],
    }


def _others(
    pool: ThreadPoolExecutor, address: str, visitors: int, number: int, over: Callable[[], bool]
) -> list[list[float]]:
    futures = [
        pool.submit(_change, address, 1000 + 100 * number + seed, over) for seed in range(visitors)
    ]
    return [future.result() for future in futures]


def _until(deadline: float) -> Callable[[], bool]:
    return lambda: time.monotonic() > deadline


def _change(address: str, seed: int, over: Callable[[], bool]) -> list[float]:
    """Seconds of each change of k."""
    draw = random.Random(seed)
    taken: list[float] = []
    with Visitor(address, query=f"network={NETWORK}") as visitor:
        while not over():
            taken.append(visitor.choose("slider", "k", draw.choice(KS)))
            time.sleep(draw.expovariate(1 / LOOKS_S))
    return taken


def _together(rounds: list[dict[str, Any]], kind: str) -> dict[str, float]:
    every = sorted(s for one in rounds for s in one[kind])
    return {
        "median": every[len(every) // 2],
        "p95": every[int(0.95 * len(every))],
        "max": every[-1],
        "n": len(every),
    }


if __name__ == "__main__":
    main()
