"""The engine that the rest of the package sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydranet.array_routing import check_choice
from hydranet.checkpoints import Checkpoint
from hydranet.engines.engine import Outputs, check_dynamic, check_pixels
from hydranet.engines.int8.calibration import Calibration, read_calibration
from hydranet.engines.int8.program import open_int8
from hydranet.switchboard import Examined


class Int8Engine:
    """See `hydranet.engines.engine.Engine`. `size`: bytes of its graphs.

    `calibration`: another than the one that lies with the checkpoint, with the hash of its bytes.
    """

    name = "int8"

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        threads: int = 1,
        calibration: tuple[Calibration, str] | None = None,
    ) -> None:
        self.card = checkpoint.card
        given, digest = calibration or read_calibration(checkpoint)
        self._runner, self.size = open_int8(checkpoint, given, digest, threads=threads)
        self.output_weight = self._runner.output[0]

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
            k=self.card.costs.k if k is None else k,
            threshold=threshold or 0.0,
            fired=None if fired is None else fired.astype(np.int64),
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
