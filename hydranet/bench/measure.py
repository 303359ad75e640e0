"""Time networks on engines, in turns, beside what the machine multiplies at best. Light itself.

What fires is given, not left to the gate: branches drawn evenly and always the same, so that a
network with random weights, whose gate may send all images to a few branches, is not flattered. The
gate runs all the same, and weighs what fires.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hydranet.bench.opening import open_variant
from hydranet.bench.rounds import LEAST_MS, in_turns
from hydranet.bench.runs import LeftOut, Report, Run
from hydranet.bench.sgemm import MACS, matrix_product
from hydranet.bench.subjects import Subject
from hydranet.checkpoints import Checkpoint
from hydranet.engines import Engine, has_gpu
from hydranet.errors import InputError
from hydranet.machine import hardware, versions

SEED = 0
"""Of the images, which are noise, and of the branches that fire."""


def even_routes(images: int, branches: int, k: int) -> NDArray[np.int64]:
    """(B, k): for each image k different branches, each as likely as every other."""
    return np.random.default_rng(SEED).random((images, branches)).argsort(axis=1)[:, :k]


@dataclass(frozen=True)
class _Cell:
    engine: str
    subject: Subject
    batch: int
    k: int | None

    def job(self, engine: Engine) -> Callable[[], object]:
        side = self.subject.card.architecture.image_size
        shape = (self.batch, side, side, 3)
        pixels = np.random.default_rng(SEED).integers(0, 256, shape, dtype=np.uint8)
        if self.k is None:
            return partial(engine.run, pixels)
        branches = self.subject.card.costs.num_branches
        return partial(engine.run, pixels, fired=even_routes(self.batch, branches, self.k))

    def run(self, ms: Sequence[float]) -> Run:
        costs = self.subject.card.costs
        return Run(
            engine=self.engine,
            model=self.subject.name,
            trained=self.subject.trained,
            batch=self.batch,
            k=self.k,
            macs=costs.routed_macs if self.k is None else costs.macs(self.k),
            ms=tuple(ms),
        )


def measure_all(
    subjects: Sequence[Subject],
    *,
    engines: Sequence[str],
    batches: Sequence[int],
    ks: Sequence[int] = (),
    rounds: int = 5,
    least_ms: float = LEAST_MS,
    opener: Callable[[Checkpoint, str], Engine] = open_variant,
    progress: Callable[[float], None] | None = None,
) -> Report:
    """Time every network on every engine at every batch size, each on one thread.

    `ks`: how many branches fire, for each HydraNet; its own k and all branches unless given.
    `engines`: names that `opener` opens, see `opening.open_variant`; for rounds, `least_ms` and
    `progress` see `rounds.in_turns`.

    Raises:
        InputError: a batch size or k is out of range, or no engine runs any of the networks.
    """
    if wrong := [batch for batch in batches if batch < 1]:
        raise InputError(f"A batch must be at least 1 image, not {wrong[0]}.")
    cells: list[tuple[_Cell, Callable[[], object]]] = []
    left_out: list[LeftOut] = []
    for subject in subjects:
        for variant in engines:
            try:
                engine = opener(subject.checkpoint, variant)
            except InputError as error:
                left_out.append(LeftOut(variant, subject.name, str(error)))
                continue
            for batch in batches:
                for k in _ks(subject, ks):
                    cell = _Cell(variant, subject, batch, k)
                    cells.append((cell, cell.job(engine)))
    if not cells:
        raise InputError(left_out[0].reason if left_out else "Name at least one network.")
    # What is compared with each other runs one after the other.
    cells.sort(key=lambda one: (one[0].batch, one[0].engine))
    sgemm, *times = in_turns(
        [matrix_product(), *(job for _, job in cells)],
        rounds,
        least_ms=least_ms,
        progress=progress,
    )
    return Report(
        hardware=_machine(engines),
        versions=versions(),
        threads=1,
        measured=datetime.now(UTC).isoformat(timespec="seconds"),
        sgemm=tuple(MACS / ms / 1e6 for ms in sgemm),
        runs=[cell.run(ms) for (cell, _), ms in zip(cells, times, strict=True)],
        left_out=left_out,
    )


def _machine(engines: Sequence[str]) -> str:
    """Where an engine runs on a GPU, with its name."""
    if any(engine.partition(":")[0] == "cuda" for engine in engines) and has_gpu():
        return f"{hardware()}, {hardware('cuda')}"
    return hardware()


def _ks(subject: Subject, ks: Sequence[int]) -> list[int | None]:
    costs = subject.card.costs
    if not costs.num_branches:
        return [None]
    if wrong := [k for k in ks if not 1 <= k <= costs.num_branches]:
        raise InputError(
            f"k must be from 1 to {costs.num_branches}, the number of branches of "
            f"{subject.name}, not {wrong[0]}."
        )
    return list(dict.fromkeys(ks or (costs.k, costs.num_branches)))
