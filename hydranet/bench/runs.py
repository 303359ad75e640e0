"""What was timed: a network on an engine, a batch size and a number of branches, over all rounds.

Light.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydranet.bench.rounds import Spread


@dataclass(frozen=True, kw_only=True)
class Run:
    """`ms`: of a call with the whole batch, one figure a round; `k`: branches that fired for each
    image, None for a static network; `macs`: of one image."""

    engine: str
    model: str
    trained: bool
    batch: int
    k: int | None
    macs: int
    ms: tuple[float, ...]

    @property
    def ms_per_image(self) -> Spread:
        """Over the rounds."""
        return Spread.of([ms / self.batch for ms in self.ms])

    @property
    def gmacs_per_s(self) -> Spread:
        """Over the rounds: 10⁹ multiply–accumulates a second."""
        return Spread.of(self.rates)

    @property
    def rates(self) -> list[float]:
        """GMAC/s, one figure a round."""
        return [self.macs * self.batch / ms / 1e6 for ms in self.ms]

    def to_json(self) -> dict[str, Any]:
        """The keys that `--json` prints."""
        return {
            "engine": self.engine,
            "model": self.model,
            "weights": "trained" if self.trained else "random",
            "batch": self.batch,
            "k": self.k,
            "macs": self.macs,
            "ms_per_image": self.ms_per_image.to_json(),
            "gmacs_per_s": self.gmacs_per_s.median,
            "rounds_ms": list(self.ms),
        }


@dataclass(frozen=True)
class LeftOut:
    """A network that an engine does not run here, and why, as a sentence."""

    engine: str
    model: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """A whole measurement. `sgemm`: GMAC/s of a large matrix product on one core, one a round."""

    hardware: str
    versions: dict[str, str]
    threads: int
    measured: str
    sgemm: tuple[float, ...]
    runs: Sequence[Run]
    left_out: Sequence[LeftOut]

    @property
    def rounds(self) -> int:
        """How many there were."""
        return len(self.sgemm)

    def find(self, engine: str, model: str, batch: int, k: int | None) -> Run | None:
        """The run of that description, if there is one."""
        for run in self.runs:
            if (run.engine, run.model, run.batch, run.k) == (engine, model, batch, k):
                return run
        return None
