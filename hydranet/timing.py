"""How long a network takes, measured on the machine that runs this. Light: engines come opened."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from hydranet.errors import InputError
from hydranet.machine import hardware, versions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hydranet.engines import Engine

SEED = 0
"""Of the noise that networks are timed on unless images are given."""

T = TypeVar("T")


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one run, over `runs` runs; a cold run before them is left out."""

    median: float
    fastest: float
    slowest: float
    runs: int


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """How long a network took for a batch of `batch` images, on which engine, and on what.

    `timing` is that of the whole batch, `images` says what it showed. `k`: branches that fired for
    each image, and `branches_run`: how many different ones did in the batch; None for a static
    network.
    `measured`: UTC, to the second.
    """

    engine: str
    checkpoint: str
    weights_sha256: str
    batch: int
    images: str
    timing: Timing
    k: int | None
    branches_run: int | None
    threads: int
    measured: str
    hardware: str
    versions: dict[str, str]

    @property
    def ms_per_image(self) -> float:
        """The median."""
        return self.timing.median / self.batch

    def to_json(self) -> dict[str, Any]:
        """The fields, with the time of one image instead of that of the batch."""
        timing = self.timing
        return {
            "engine": self.engine,
            "model": self.checkpoint,
            "batch": self.batch,
            "ms_per_image": {
                "median": timing.median / self.batch,
                "min": timing.fastest / self.batch,
                "max": timing.slowest / self.batch,
            },
            "runs": timing.runs,
            "k": self.k,
            "branches_run": self.branches_run,
            "threads": self.threads,
            "images": self.images,
            "measured": self.measured,
            "weights_sha256": self.weights_sha256,
            "hardware": self.hardware,
            "versions": self.versions,
        }


def timed(
    run: Callable[[], T], runs: int, progress: Callable[[float], None] | None = None
) -> tuple[T, Timing]:
    """The result of `run`, and how long it took over `runs` runs after a cold one.

    `progress` is told between the runs, and not timed, which part of them is done, 0 to 1; what it
    raises ends the measurement.
    """
    result = run()
    milliseconds: list[float] = []
    for done in range(runs):
        if progress is not None:
            progress((done + 1) / (runs + 1))
        start = time.perf_counter()
        run()
        milliseconds.append(1000 * (time.perf_counter() - start))
    return result, Timing(
        statistics.median(milliseconds), min(milliseconds), max(milliseconds), runs
    )


def measure(
    engine: Engine,
    *,
    batch: int = 1,
    runs: int = 9,
    pixels: NDArray[np.uint8] | None = None,
    images: str = f"noise, seed {SEED}",
    threads: int = 1,
    progress: Callable[[float], None] | None = None,
) -> Measurement:
    """Time a network on an engine, with its own k, on `batch` images at once.

    `pixels`: (at least `batch`, side, side, 3) of the network's size, and `images`, what they
    show; unless given, noise that is always the same. Which branches fire depends on it, and with
    that how many images each branch gets at once. `threads`: that the engine was opened with; for
    `progress` see `timed`.

    Raises:
        InputError: batch or runs is less than 1, or the images do not fit.
    """
    if batch < 1 or runs < 1:
        raise InputError(f"batch and runs must be at least 1, not {batch} and {runs}.")
    card = engine.card
    side = card.architecture.image_size
    if pixels is None:
        noise = np.random.default_rng(SEED)
        pixels = noise.integers(0, 256, (batch, side, side, 3), dtype=np.uint8)
    elif pixels.shape[1:] != (side, side, 3) or len(pixels) < batch:
        raise InputError(
            f"pixels must be at least {batch} images of {side}×{side}×3, not {pixels.shape}."
        )
    shown = pixels[:batch]
    outputs, timing = timed(lambda: engine.run(shown), runs, progress)
    is_dynamic = card.costs.num_branches > 0
    return Measurement(
        engine=engine.name,
        checkpoint=card.name,
        weights_sha256=card.weights_sha256,
        batch=batch,
        images=images,
        timing=timing,
        k=card.costs.k if is_dynamic else None,
        branches_run=len(np.unique(outputs.fired)) if is_dynamic else None,
        threads=threads,
        measured=datetime.now(UTC).isoformat(timespec="seconds"),
        hardware=hardware(),
        versions=versions(),
    )
