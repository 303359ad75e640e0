"""A stored network for inference from folded layers, with weights of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hydranet.engines.folded.branches import AUTO, WAYS, FoldedBranches
from hydranet.engines.folded.families import folded_family
from hydranet.engines.folded.trunk import Trunk
from hydranet.errors import InputError
from hydranet.models.gate import Gate
from hydranet.models.hydra import HydraNet
from hydranet.models.network import Network, StaticNetwork


class FoldedStatic:
    """A static network: see `hydranet.engines.pytorch.Static`. `model` is left as it is."""

    def __init__(self, model: StaticNetwork) -> None:
        self._trunk = Trunk(model.stem, model.body, model.head, folded_family(model.config))

    def logits(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, C)."""
        return self._trunk.scores(x)


class FoldedHydra:
    """A HydraNet: see `hydranet.engines.pytorch.Dynamic`. `model` is left as it is.

    `way`: how branches run, one of `hydranet.engines.folded.branches.WAYS`,
    or `AUTO`.
    """

    def __init__(self, model: HydraNet, *, way: str) -> None:
        family = folded_family(model.config.static)
        gate, self._way = model.gate, way
        if isinstance(gate, Gate):
            self._trunk = Trunk(model.stem, gate.body, gate.score, family)
        else:
            self._trunk = Trunk(model.stem, None, gate, family)
        self._branches = FoldedBranches(model.branches, family)

    def stem_and_scores(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) → stem features (B, c, h, w) and gate scores (B, N)."""
        return self._trunk.stem_and_scores(x)

    def features(self, stem_features: Tensor, fired: NDArray[np.int64]) -> Tensor:
        """Of the branches in `fired` (B, k), -1 where none: (B, k, D)."""
        return self._branches.features(stem_features, fired, self._way)

    def every(self, stem_features: Tensor) -> Tensor:
        """Of all branches: (B, N, D)."""
        return self._branches.every(stem_features, self._way)


def folded_pieces(model: Network, *, way: str) -> FoldedStatic | FoldedHydra:
    """Of a network in eval mode, on the device that it shall run on.

    Raises:
        InputError: there is no such way, or the network's family has no folded layers.
    """
    if way not in (*WAYS, AUTO):
        raise InputError(f"Branches can run in these ways: {', '.join(WAYS)}, not {way!r}.")
    if isinstance(model, HydraNet):
        return FoldedHydra(model, way=way)
    assert isinstance(model, StaticNetwork), "what is no HydraNet is static"
    return FoldedStatic(model)
