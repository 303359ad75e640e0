"""The engine that the rest of the package sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydranet.array_routing import check_choice
from hydranet.checkpoints import Checkpoint
from hydranet.engines.engine import Outputs, check_dynamic, check_pixels, without_branches
from hydranet.engines.onnx.program import open_runner
from hydranet.engines.onnx.routed import RoutedRunner
from hydranet.switchboard import Examined


class OnnxEngine:
    """See `hydranet.engines.engine.Engine`."""

    name = "onnx"

    def __init__(self, checkpoint: Checkpoint, *, threads: int = 1) -> None:
        self.card = checkpoint.card
        self._runner = open_runner(checkpoint, threads=threads)
        self.output_weight = (
            self._runner.output[0]
            if isinstance(self._runner, RoutedRunner)
            else np.zeros((self.card.architecture.num_classes, 0), np.float32)
        )

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
        if not isinstance(self._runner, RoutedRunner):
            return without_branches(self._runner.run(pixels))
        return self._runner.run(
            pixels,
            k=self.card.costs.k if k is None else k,
            threshold=threshold or 0.0,
            fired=None if fired is None else fired.astype(np.int64, copy=False),
        )

    def examine(self, pixels: NDArray[np.uint8]) -> Examined:
        """See `Engine.examine`."""
        check_dynamic(self.card)
        check_pixels(self.card, pixels[None])
        assert isinstance(self._runner, RoutedRunner), "its card says so"
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
