"""Branches spread over 64 devices, each with one of them: how long does a device wait for others?

    python benchmarks/gate_load.py [NETWORK …] [--devices 64] [--out FILE]

A simulation with the gate's real choices: which branches fired for each test image, from the route
logs beside the checkpoints. Computed from measured choices, not measured on devices.

What is assumed: a step takes a batch of images; stem and gate are spread evenly over all devices;
then the rows of each branch go to the devices that hold it, evenly; a device's time is what it has
to compute, in MACs; sending costs nothing; the step ends when the last device is done. So *idle* is
the part of all devices' time in which they wait for the fullest one.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hydranet.bench.rounds import Spread
from hydranet.checkpoints import ROUTES, find_checkpoint
from hydranet.evaluation.route_log import read_route_log

NETWORKS = ("hydra_res_d1", "hydra_res_d2")
BATCHES = (64, 256, 1024, 4096, 16384)
STEPS = 200
SAME_CLASSES = 5
"""Classes of the images in one step where they come sorted."""
CAPACITIES = (1.0, 1.25, 1.5, 2.0)


@dataclass(frozen=True)
class Idle:
    """Parts of all devices' time in one step: while branches run, and of the whole step."""

    branches: float
    whole: float


def by_load(load: NDArray[np.int64], devices: int) -> NDArray[np.int64]:
    """How many devices hold each branch, (N,), one at least, so that the rows a device are most
    even: each further device goes to the branch whose devices have the most rows.

    `load`: (N,) rows that each branch gets. Raises ValueError for fewer devices than branches.
    """
    if devices < len(load):
        raise ValueError(f"{len(load)} branches need as many devices, not {devices}.")
    copies = np.ones(len(load), np.int64)
    for _ in range(devices - len(load)):
        copies[np.argmax(load / copies)] += 1
    return copies


def evenly(branches: int, devices: int) -> NDArray[np.int64]:
    """The same number of devices for each branch, (N,), one more for the first ones."""
    return by_load(np.ones(branches, np.int64), devices)


def idle(load: NDArray[np.int64], copies: NDArray[np.int64], *, images: int, shared: float) -> Idle:
    """How long devices wait in a step.

    `load`: (N,) rows of each branch; `copies`: (N,) devices that hold it; `shared`: MACs of stem,
    gate and combiner for one image, as a part of those of one branch.
    """
    devices = int(copies.sum())
    slowest = float(np.ceil(load / copies).max())
    before = shared * math.ceil(images / devices)
    rows = float(load.sum())
    whole = 1 - (rows + shared * images) / (devices * (slowest + before))
    return Idle(1 - rows / (devices * slowest), whole)


def dropped(
    load: NDArray[np.int64], copies: NDArray[np.int64], capacity: float
) -> tuple[float, float]:
    """(idle while branches run, part of all rows that is dropped) where a device takes no more
    rows than `capacity` times the mean."""
    devices, rows = int(copies.sum()), float(load.sum())
    most = math.ceil(capacity * rows / devices)
    kept = float(np.minimum(load, most * copies).sum())
    slowest = min(float(most), float(np.ceil(load / copies).max()))
    return 1 - kept / (devices * slowest), 1 - kept / rows


def mixed(images: int, batch: int, *, seed: int = 0) -> Iterator[NDArray[np.int64]]:
    """Steps of images drawn at random, with replacement; their places."""
    draw = np.random.default_rng(seed)
    for _ in range(STEPS):
        yield draw.integers(0, images, batch)


def of_few_classes(
    label: NDArray[np.int32], batch: int, *, seed: int = 0
) -> Iterator[NDArray[np.int64]]:
    """Steps in which all images are of `SAME_CLASSES` classes, as in an album of one trip."""
    draw = np.random.default_rng(seed)
    classes = np.unique(label)
    for _ in range(STEPS):
        some = draw.choice(classes, SAME_CLASSES, replace=False)
        yield draw.choice(np.flatnonzero(np.isin(label, some)), batch)


def simulate(name: str, devices: int) -> dict[str, Any]:
    """All batches, orders and placements for one network."""
    checkpoint = find_checkpoint(name)
    log, costs = read_route_log(checkpoint.folder / ROUTES), checkpoint.card.costs
    assert log.fired is not None, "the log of a HydraNet has its routes"
    count, fired = costs.num_branches, log.fired
    shared = (costs.stem.macs + costs.gate.macs + costs.combiner.macs) / costs.branch.macs
    every = np.bincount(fired.ravel(), minlength=count)
    placements = {"evenly": evenly(count, devices), "by load": by_load(every, devices)}
    runs = []
    for batch in BATCHES:
        orders = {"mixed": mixed(len(log), batch), "few classes": of_few_classes(log.label, batch)}
        for order, steps in orders.items():
            loads = [np.bincount(fired[step].ravel(), minlength=count) for step in steps]
            for placed, copies in placements.items():
                found = [idle(load, copies, images=batch, shared=shared) for load in loads]
                runs.append({
                    "batch": batch, "order": order, "placement": placed,
                    "idle_branches": Spread.of([one.branches for one in found]).to_json(),
                    "idle_whole": Spread.of([one.whole for one in found]).to_json(),
                    "capacity": [
                        _capacity(loads, copies, capacity) for capacity in CAPACITIES
                    ],
                })  # fmt: skip
    return {
        "network": name,
        "devices": devices,
        "branches": count,
        "k": costs.k,
        "images": len(log),
        "shared_to_branch_macs": shared,
        "load": (every / every.sum()).tolist(),
        "copies": {name: copies.tolist() for name, copies in placements.items()},
        "runs": runs,
    }


def _capacity(
    loads: list[NDArray[np.int64]], copies: NDArray[np.int64], capacity: float
) -> dict[str, float]:
    found = np.array([dropped(load, copies, capacity) for load in loads])
    waits, lost = np.median(found, axis=0)
    return {"capacity": capacity, "idle_branches": float(waits), "dropped": float(lost)}


def main() -> None:
    """Simulate, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--devices", type=int, default=64)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    report = {
        "kind": "simulated with measured choices of the gate",
        "steps": STEPS,
        "networks": [simulate(name, given.devices) for name in given.networks],
    }
    text = json.dumps(report, indent=1)
    if given.out:
        given.out.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
