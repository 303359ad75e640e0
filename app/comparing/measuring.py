"""Timing networks for the page Compare: estimated, admitted, kept. Draws nothing.

The latest measurement of a network in a batch size is kept for all sessions, under the hash of the
weights, with its time; what a visitor measured of a network of their own is not. What `progress`
raises ends the work and frees the core. Between two runs others who wait for the core go first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app import services
from app.charts.cost_axes import BATCHES
from app.comparing.rows import AtBatch
from app.cores.admission import Turn
from app.cores.computing import admitted
from app.cores.kept import Kept
from app.handed_over.own_network import OwnNetwork
from app.intake import sample_names, take_sample
from app.words.engines import engine_words
from hydranet.checkpoints import Checkpoint
from hydranet.data.resize import fit_square
from hydranet.machine import hardware, versions
from hydranet.timing import Measurement, measure

Key = tuple[str, str, int]
"""The hash of the weights, and the batch size."""

IMAGES = "crops of the sample photos"
"""What the networks are timed on: photos, since noise would fire few different branches."""

_KEPT: Kept[Key, Measurement] = Kept(512)
_MACS_PER_S = 8e9
_OVERHEAD_S = 0.005


def estimate_seconds(checkpoints: Sequence[Checkpoint], runs: int) -> float:
    """Roughly how long `measure_all` takes: MACs at the speed of an ordinary core."""
    macs = sum(checkpoint.card.costs.routed_macs for checkpoint in checkpoints) * sum(BATCHES)
    calls = len(checkpoints) * len(BATCHES)
    return (runs + 1) * (macs / _MACS_PER_S + calls * _OVERHEAD_S)


@lru_cache(maxsize=8)
def photo_crops(side: int) -> NDArray[np.uint8]:
    """(64, side, side, 3): squares at random places and of random sizes in the sample photos in
    turn, always the same ones."""
    rng = np.random.default_rng(0)
    photos = [take_sample(name).image for name in sample_names()]
    crops = []
    for index in range(max(BATCHES)):
        photo = photos[index % len(photos)]
        edge = int(rng.uniform(0.4, 1) * min(photo.size))
        left, top = (int(rng.integers(0, length - edge + 1)) for length in photo.size)
        crops.append(fit_square(photo.crop((left, top, left + edge, top + edge)), side))
    return np.stack(crops)


def measure_all(
    checkpoints: Sequence[Checkpoint], runs: int, progress: Callable[[float], None]
) -> dict[Key, Measurement]:
    """Time each network in every batch size on this dashboard's engine, one after the other.

    `progress` is told the part that is done, 0 to 1.

    Raises:
        InputError: the weights of a checkpoint are damaged.
    """
    found: dict[Key, Measurement] = {}
    jobs = [(checkpoint, batch) for checkpoint in checkpoints for batch in BATCHES]
    for done, (checkpoint, batch) in enumerate(jobs):
        engine = services.engine(checkpoint)
        pixels = photo_crops(checkpoint.card.architecture.image_size)
        with admitted(long=True) as turn:

            def tell(part: float, done: int = done, turn: Turn = turn) -> None:
                progress((done + part) / len(jobs))
                turn.give_way()

            tell(0.0)
            measured = measure(
                engine, batch=batch, runs=runs, pixels=pixels, images=IMAGES, progress=tell
            )
        key = (checkpoint.name, checkpoint.card.weights_sha256, batch)
        if not isinstance(checkpoint, OwnNetwork):
            _KEPT.put(key, measured)
        found[key] = measured
    return found


def known(checkpoints: Iterable[Checkpoint]) -> dict[Key, Measurement]:
    """What was measured on this server since it started, by any session."""
    found = {}
    for checkpoint in checkpoints:
        if isinstance(checkpoint, OwnNetwork):
            continue
        for batch in BATCHES:
            key = (checkpoint.name, checkpoint.card.weights_sha256, batch)
            if (measured := _KEPT.get(key)) is not None:
                found[key] = measured
    return found


def times(measured: Mapping[Key, Measurement]) -> dict[tuple[str, str], tuple[AtBatch, ...]]:
    """Milliseconds an image by batch size, for each network by its name and the hash of its
    weights."""
    found: dict[tuple[str, str], tuple[AtBatch, ...]] = {}
    for (name, weights, batch), one in measured.items():
        at = AtBatch(batch, one.ms_per_image)
        found[name, weights] = (*found.get((name, weights), ()), at)
    return found


def measured_table(measured: Iterable[Measurement]) -> pd.DataFrame:
    """One row for each network and batch size, with what it was measured on."""
    return pd.DataFrame(
        [
            {
                "Network": one.checkpoint,
                "Batch": one.batch,
                "Median (ms an image)": one.ms_per_image,
                "Fastest": one.timing.fastest / one.batch,
                "Slowest": one.timing.slowest / one.batch,
                "Images": one.images,
                "Runs": one.timing.runs,
                "Engine": engine_words(one.engine),
                "k": one.k,
                "Branches run": one.branches_run,
                "Threads": one.threads,
                "Measured (UTC)": one.measured,
                "Hardware": one.hardware,
                "Versions": ", ".join(f"{name} {number}" for name, number in one.versions.items()),
            }
            for one in measured
        ]
    ).astype({"k": "Int64", "Branches run": "Int64"})


def measured_json(measured: Iterable[Measurement]) -> bytes:
    """The same as JSON: this machine, and a list of runs that each say what they ran on."""
    machine = {"hardware": hardware(), "versions": versions()}
    runs = [one.to_json() for one in measured]
    return json.dumps({"machine": machine, "runs": runs}, indent=1).encode()
