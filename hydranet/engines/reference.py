"""The network's own modules. Reference: every branch on every image, slow and obvious."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hydranet.engines.own import OwnForward
from hydranet.engines.pytorch import Dynamic, Static, TorchEngine, Whole
from hydranet.executions.eager import eager
from hydranet.executions.reference import all_branch_features, chosen_features
from hydranet.models.dynamic import DynamicNetwork
from hydranet.models.hydra import HydraNet
from hydranet.models.network import Network
from hydranet.routing.routes import Route


def reference_engine(model: Network, *, threads: int = 1) -> TorchEngine:
    """For a network from `hydranet.load`."""
    return TorchEngine("reference", model, own_pieces(model), threads=threads)


def own_pieces(model: Network, *, conditional: bool = False) -> Static | Dynamic | Whole:
    """A network's own modules as an engine runs them; `conditional`: a branch sees only the images
    that fire it."""
    if isinstance(model, HydraNet):
        return _Fired(model) if conditional else _Pieces(model)
    if isinstance(model, DynamicNetwork):
        return OwnForward(model, execution="eager" if conditional else "reference")
    return _Static(model)


class _Static:
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


class _Fired(_Pieces):
    """The same, with each branch on its own rows."""

    def features(self, stem_features: Tensor, fired: NDArray[np.int64]) -> Tensor:
        indices = torch.from_numpy(fired)
        weights = torch.zeros(indices.shape)  # what a branch computes does not depend on them
        return eager(
            self._model.branches, stem_features, Route(indices, weights, len(self._model.branches))
        )
