"""An engine whose work a runner does, as the rest of the package sees it. Light."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hydranet.checkpoints.card import Card
from hydranet.engines.engine import Outputs, check_dynamic, check_pixels
from hydranet.routing.arrays import check_choice
from hydranet.routing.switchboard import Examined


class Runner(Protocol):
    """Runs one network."""

    @property
    def output(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weight (C, D), (C, 0) of a static network, and bias (C,) of the output layer."""
        ...

    def run(
        self,
        pixels: NDArray[np.uint8],
        *,
        k: int,
        threshold: float,
        fired: NDArray[np.int64] | None,
    ) -> Outputs:
        """As `Engine.run`, of what was checked and with all that was left out filled in."""
        ...

    def every(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Gate scores (N,) and features (N, D) of one image, (side, side, 3)."""
        ...


class RunnerEngine:
    """See `hydranet.engines.engine.Engine`."""

    def __init__(self, name: str, card: Card, runner: Runner) -> None:
        self.name, self.card, self._runner = name, card, runner
        self.output_weight = runner.output[0]
        self._k = card.costs.k

    def run(
        self,
        pixels: NDArray[np.uint8],
        *,
        k: int | None = None,
        threshold: float | None = None,
        fired: NDArray[np.integer] | None = None,
    ) -> Outputs:
        """See `Engine.run`."""
        check_pixels(self.card, pixels)
        check_choice(self.card, k, threshold, fired, images=len(pixels))
        return self._runner.run(
            pixels,
            k=self._k if k is None else k,
            threshold=threshold or 0.0,
            fired=None if fired is None else fired.astype(np.int64, copy=False),
        )

    def examine(self, pixels: NDArray[np.uint8]) -> Examined:
        """See `Engine.examine`."""
        check_dynamic(self.card)
        check_pixels(self.card, pixels[None])
        gate_scores, features = self._runner.every(pixels)
        weight, bias = self._runner.output
        return Examined(
            pixels=pixels,
            gate_scores=gate_scores,
            features=features,
            output_weight=weight,
            output_bias=bias,
            costs=self.card.costs,
            policy=self.card.policy,
        )
