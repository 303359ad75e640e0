"""A stored network for inference from folded layers, with weights of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hydranet.engines.folded.branches import AUTO, WAYS, FoldedBranches, fastest_on_gpu
from hydranet.engines.folded.families import folded_family
from hydranet.engines.folded.layers import ON_CPU, Kernels, Layer, with_kernels
from hydranet.engines.folded.trunk import Trunk
from hydranet.errors import InputError
from hydranet.executions.reference import chosen_features
from hydranet.models.gate import Gate
from hydranet.models.hydra import HydraNet
from hydranet.models.network import Network, StaticNetwork
from hydranet.routing.routes import Route


class FoldedStatic:
    """A static network: see `hydranet.engines.pytorch.Static`. `model` is left as it is."""

    def __init__(self, model: StaticNetwork, kernels: Kernels) -> None:
        family = folded_family(model.config)
        self._trunk = Trunk(model.stem, model.body, model.head, family, kernels)

    def logits(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, C)."""
        return self._trunk.scores(x)

    def logits_at_once(self, x: Tensor) -> Tensor:
        """The same, not recorded by itself."""
        return self._trunk.run(x)[1]


class FoldedHydra:
    """A HydraNet: see `hydranet.engines.pytorch.Dynamic`. `model` is left as it is.

    `way`: how branches run, one of `hydranet.engines.folded.branches.WAYS`,
    or `AUTO`.
    """

    def __init__(self, model: HydraNet, *, way: str, kernels: Kernels) -> None:
        family = folded_family(model.config.static)
        gate, self.way = model.gate, way
        if isinstance(gate, Gate):
            self._trunk = Trunk(model.stem, gate.body, gate.score, family, kernels)
        else:
            self._trunk = Trunk(model.stem, None, gate, family, kernels)
        self._branches = FoldedBranches(model.branches, family, kernels)
        self._gate_body: list[Layer] | None = None
        if way in ("all", AUTO) and isinstance(gate, Gate):
            self._gate_body = with_kernels(family.body_layers(gate.body), kernels)

    @cached_property
    def _with_gate(self) -> list[Layer] | None:
        """See `FoldedBranches.with_gate`; made when a batch first runs that way."""
        return None if self._gate_body is None else self._branches.with_gate(self._gate_body)

    def stem_and_scores(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) → stem features (B, c, h, w) and gate scores (B, N)."""
        return self._trunk.stem_and_scores(x)

    def features(self, stem_features: Tensor, fired: NDArray[np.int64]) -> Tensor:
        """Of the branches in `fired` (B, k), -1 where none: (B, k, D)."""
        return self._branches.features(stem_features, fired, self.way)

    def every(self, stem_features: Tensor) -> Tensor:
        """Of all branches: (B, N, D)."""
        return self._branches.every(stem_features, self.way)

    def at_once(
        self, x: Tensor, choose: Callable[[Tensor], Route], *, capacity: int
    ) -> tuple[Tensor, Route, Tensor, Tensor]:
        """Gate scores (B, N), the route that `choose` makes of them, its features (B, k, D) and how
        many images fire the most wanted branch, see `FoldedBranches.chosen`; no host looks on.

        Where all branches run, they need not wait for the gate, and its body is one of theirs.
        """
        way = fastest_on_gpu(len(x), capacity) if self.way == AUTO else self.way
        if way == "all" and self._with_gate is not None:
            every, pooled = self._branches.every_and_gate(self._trunk.stem(x), self._with_gate)
            scores = self._trunk.score(pooled)
            route = choose(scores)
            features = chosen_features(every, route.indices)
            return scores, route, features, features.new_zeros(())
        stem_features, scores = self._trunk.run(x)
        route = choose(scores)
        features, most = self._branches.chosen(stem_features, route.indices, way, capacity=capacity)
        return scores, route, features, most


def folded_pieces(
    model: Network, *, way: str, kernels: Kernels = ON_CPU
) -> FoldedStatic | FoldedHydra:
    """Of a network in eval mode, on the device that it shall run on.

    Raises:
        InputError: there is no such way, or the network's family has no folded layers.
    """
    if way not in (*WAYS, AUTO):
        raise InputError(f"Branches can run in these ways: {', '.join(WAYS)}, not {way!r}.")
    if isinstance(model, HydraNet):
        return FoldedHydra(model, way=way, kernels=kernels)
    assert isinstance(model, StaticNetwork), "what is no HydraNet is static"
    return FoldedStatic(model, kernels)
