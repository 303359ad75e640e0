"""What a batch is read from and written to, used again for the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hydranet.engines.onnx.buffers import Buffer

if TYPE_CHECKING:
    from onnxruntime import OrtValue

    from hydranet.engines.onnx.routed import RoutedRunner

Floats = NDArray[np.float32]
Whole = NDArray[np.int64]


class Memory:
    """For so many images as a runner takes at once. `width`: D."""

    def __init__(self, runner: RoutedRunner) -> None:
        config, images = runner.card.architecture, runner.chunk
        side, self.branches = config.image_size, len(runner.constants)
        self.width, rows = runner.output[0].shape[1], images * self.branches
        self.pixels = Buffer((images, side, side, 3), np.uint8)
        self._maps = {name: Buffer((images, *shape)) for name, shape in runner.shared.items()}
        self.scores, self.logits = (
            Buffer((images, columns)) for columns in (self.branches, config.num_classes)
        )
        self.scores.array[:] = 0  # where no gate chooses
        self.fired, self.weights = Buffer((rows,), np.int64), Buffer((rows,))
        self.rows, self.features = Buffer((rows, self.width, 1, 1)), Buffer((rows, self.width))

    def maps(self, stop: int, start: int = 0) -> dict[str, OrtValue]:
        """What branches take, of the images from `start` to before `stop`."""
        return {name: maps.rows(stop, start) for name, maps in self._maps.items()}
