"""Reference: the network's own modules, and every branch on every image. Slow and obvious."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hydranet.engines.pytorch import TorchEngine
from hydranet.executions.reference import all_branch_features, chosen_features
from hydranet.models.hydra import HydraNet
from hydranet.models.network import Network


def reference_engine(model: Network, *, threads: int = 1) -> TorchEngine:
    """For a network from `hydranet.load`."""
    pieces = _Pieces(model) if isinstance(model, HydraNet) else _Whole(model)
    return TorchEngine("reference", model, pieces, threads=threads)


class _Whole:
    """See `hydranet.engines.pytorch.Static`."""

    def __init__(self, model: Network) -> None:
        self._model = model

    def logits(self, x: Tensor) -> Tensor:
        return self._model(x)


class _Pieces:
    """See `hydranet.engines.pytorch.Dynamic`."""

    def __init__(self, model: HydraNet) -> None:
        self._model = model

    def stem_and_scores(self, x: Tensor) -> tuple[Tensor, Tensor]:
        stem_features = self._model.stem(x)
        return stem_features, self._model.gate(stem_features)

    def features(self, stem_features: Tensor, fired: NDArray[np.int64]) -> Tensor:
        return chosen_features(self.every(stem_features), torch.from_numpy(fired))

    def every(self, stem_features: Tensor) -> Tensor:
        return all_branch_features(self._model.branches, stem_features)
