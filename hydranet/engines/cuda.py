"""CUDA: one GPU, batch norm folded, the branches in one of several ways.

The candidates are the ways of `hydranet.engines.folded.branches`. All but the loop are replayed as
one CUDA graph from bytes to logits, choice of branches included; in the loop the host reads the
gate's scores once a batch, and decides there what runs. Unless told otherwise a batch runs in the
way that `fastest_on_gpu` names, its maps channel by channel: on one NVIDIA H100 80GB HBM3 (torch
2.11.0 for CUDA 13.0, Python 3.12.3, 3 rounds) that was the fastest for Hydra-Res-d2, four of 20
branches, and for ResNet-56, at 1, 64 and 1,024 images; `docs/performance.md` has the figures. Where
all branches fire, 1,024 images took 18 % longer so than pixel by pixel. All, buckets and the loop
were timed, all and buckets in both layouts, the loop pixel by pixel, each within 1.3e-5 of
`reference`; gathered branches, other kernels, dense networks and other GPUs were not. `hydranet
bench --engine cuda:all` times one way, `cuda:buckets,channels_last,fused` other kernels.

Convolutions keep single precision: TF32, which torch allows them otherwise, rounds to ten bits, and
the answers would differ from `reference`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from hydranet.engines.engine import Outputs, check_pixels
from hydranet.engines.folded.at_once import HydraAtOnce, StaticAtOnce
from hydranet.engines.folded.branches import AUTO, WITHOUT_HOST
from hydranet.engines.folded.layers import ON_GPU, Kernels
from hydranet.engines.folded.network import FoldedStatic, folded_pieces
from hydranet.engines.pytorch import TorchEngine
from hydranet.executions.exact import exact
from hydranet.models.hydra import HydraNet
from hydranet.models.network import Network
from hydranet.routing.arrays import check_choice
from hydranet.routing.switchboard import Examined

_TURN = threading.Lock()
"""A recorded graph has one set of inputs and outputs, recordings share memory, and TF32 is a
setting of the process: so threads take turns, whichever engine they use."""


class CudaEngine(TorchEngine):
    """See `hydranet.engines.engine.Engine`.

    `model`: a network from `hydranet.load`, which is moved to `device` for good; the device may be
    a CPU, as in tests. `way`: one of `hydranet.engines.folded.branches.WAYS`, or for every batch
    the faster of two; `kernels`: what a GPU's library is asked for.
    """

    def __init__(
        self, model: Network, *, way: str = AUTO, kernels: Kernels = ON_GPU, device: str = "cuda"
    ) -> None:
        pieces = folded_pieces(model.to(device), way=way, kernels=kernels)
        super().__init__("cuda", model, pieces, device=device)
        self._static_at_once: StaticAtOnce | None = None
        self._hydra_at_once: HydraAtOnce | None = None
        if isinstance(pieces, FoldedStatic):
            self._static_at_once = StaticAtOnce(pieces, self.card, device)
        elif way in (*WITHOUT_HOST, AUTO):
            assert isinstance(model, HydraNet), "whose pieces these are"
            self._hydra_at_once = HydraAtOnce(pieces, model.combiner, self.card, device)

    @torch.inference_mode()
    def run(
        self,
        pixels: NDArray[np.uint8],
        *,
        k: int | None = None,
        threshold: float | None = None,
        fired: NDArray[np.integer] | None = None,
    ) -> Outputs:
        """See `Engine.run`."""
        if self._static_at_once is None and self._hydra_at_once is None:
            with _alone_and_exact():
                return super().run(pixels, k=k, threshold=threshold, fired=fired)
        check_pixels(self.card, pixels)
        check_choice(self.card, k, threshold, fired, images=len(pixels))
        with _TURN:
            if self._static_at_once is not None:
                return self._static_at_once.run(pixels)
            assert self._hydra_at_once is not None, "one of the two"
            return self._hydra_at_once.run(
                pixels, k=k or self.card.costs.k, threshold=threshold or 0.0, fired=fired
            )

    def examine(self, pixels: NDArray[np.uint8]) -> Examined:
        """See `Engine.examine`."""
        with _alone_and_exact():
            return super().examine(pixels)


@contextmanager
def _alone_and_exact() -> Iterator[None]:
    """See `_TURN`; what is recorded keeps to single precision by itself."""
    with _TURN, exact():
        yield
