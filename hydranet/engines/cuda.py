"""CUDA: one GPU, batch norm folded, the branches in one of several ways.

The candidates are the ways of `hydranet.engines.folded.branches`; of all that they do, the host
reads the gate's scores once a batch, and decides there what runs. What all images run, and the
branches in the ways `all` and `buckets`, is replayed as CUDA graphs. None has been timed on a GPU
yet; `hydranet bench --engine cuda:buckets` does. Convolutions keep single precision: TF32, which
torch allows them otherwise, rounds to ten bits, and the answers would differ from `reference`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from hydranet.engines.engine import Outputs
from hydranet.engines.folded.network import folded_pieces
from hydranet.engines.pytorch import TorchEngine
from hydranet.models.network import Network
from hydranet.routing.switchboard import Examined

WAY = "all"
"""No shape depends on the route, so this is the one with the least that can go wrong."""


class CudaEngine(TorchEngine):
    """See `hydranet.engines.engine.Engine`.

    `model`: a network from `hydranet.load`, which is moved to `device` for good; the device may be
    a CPU, as in tests. `way`: one of `hydranet.engines.folded.branches.WAYS`.
    """

    def __init__(self, model: Network, *, way: str = WAY, device: str = "cuda") -> None:
        pieces = folded_pieces(model.to(device), way=way)
        super().__init__("cuda", model, pieces, device=device)
        self._lock = threading.Lock()

    def run(
        self,
        pixels: NDArray[np.uint8],
        *,
        k: int | None = None,
        threshold: float | None = None,
        fired: NDArray[np.integer] | None = None,
    ) -> Outputs:
        """See `Engine.run`."""
        with self._alone_and_exact():
            return super().run(pixels, k=k, threshold=threshold, fired=fired)

    def examine(self, pixels: NDArray[np.uint8]) -> Examined:
        """See `Engine.examine`."""
        with self._alone_and_exact():
            return super().examine(pixels)

    @contextmanager
    def _alone_and_exact(self) -> Iterator[None]:
        """A recorded graph has one set of inputs and outputs, and TF32 is a setting of the process:
        so threads take turns."""
        with self._lock, torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            yield
