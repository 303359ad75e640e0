"""How long a network takes, measured on the machine that runs this. Light until it measures."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from hydranet.errors import InputError
from hydranet.machine import hardware, versions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hydranet.models import Network

ENGINE = "eager"
"""What networks are timed with, and the dashboard runs them with."""

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
    """How long a network took for a batch of `batch` images, and on what.

    `timing` is that of the whole batch, `images` says what it showed. `k`: branches that fired for
    each image, and `branches_run`: how many different ones did in the batch; None for a static
    network.
    `measured`: UTC, to the second.
    """

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
            "engine": ENGINE,
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
    model: Network,
    *,
    batch: int = 1,
    runs: int = 9,
    pixels: NDArray[np.uint8] | None = None,
    images: str = f"noise, seed {SEED}",
    progress: Callable[[float], None] | None = None,
) -> Measurement:
    """Time a network from `hydranet.load`, with its own k, on `batch` images at once.

    `pixels`: (at least `batch`, side, side, 3) of the network's size, and `images`, what they
    show; unless given, noise that is always the same. Which branches fire depends on it, and with
    that how many images each branch gets at once. It runs on as many threads as torch is set to;
    for `progress` see `timed`.

    Raises:
        InputError: batch or runs is less than 1, the images do not fit, or the network has no card.
    """
    import torch

    from hydranet.models.hydra import HydraNet

    if batch < 1 or runs < 1:
        raise InputError(f"batch and runs must be at least 1, not {batch} and {runs}.")
    card = model.card
    if card is None:
        raise InputError("The network has no card: load it from a checkpoint with hydranet.load.")
    side = card.architecture.image_size
    if pixels is None:
        noise = torch.Generator().manual_seed(SEED)
        shown = torch.randint(0, 256, (batch, 3, side, side), generator=noise, dtype=torch.uint8)
    else:
        if pixels.shape[1:] != (side, side, 3) or len(pixels) < batch:
            raise InputError(
                f"pixels must be at least {batch} images of {side}×{side}×3, not {pixels.shape}."
            )
        shown = torch.from_numpy(pixels[:batch]).permute(0, 3, 1, 2)  # (batch, 3, side, side)
    x = card.normalisation.apply(shown)
    branches_run: int | None
    with torch.no_grad():
        if isinstance(model, HydraNet):
            output, timing = timed(lambda: model(x, execution=ENGINE), runs, progress)
            fired = output.route.indices
            branches_run = len(torch.unique(fired[fired >= 0]))
        else:
            _, timing = timed(lambda: model(x), runs, progress)
            branches_run = None
    return Measurement(
        checkpoint=card.name,
        weights_sha256=card.weights_sha256,
        batch=batch,
        images=images,
        timing=timing,
        k=card.costs.k if branches_run is not None else None,
        branches_run=branches_run,
        threads=torch.get_num_threads(),
        measured=datetime.now(UTC).isoformat(timespec="seconds"),
        hardware=hardware(),
        versions=versions(),
    )
