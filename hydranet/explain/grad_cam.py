"""A network cut at the feature maps before pooling, for Grad-CAM.

Source: Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization", ICCV 2017. On a HydraNet the maps of all fired branches stand side by side as the
channels of one layer: Grad-CAM sums over channels, so the result is the sum of the branches' own
Grad-CAMs, each weighted as the logit's gradient says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from hydranet.errors import InputError
from hydranet.explain.parts import fired_branches
from hydranet.explain.targets import (
    BranchShare,
    ClassLogit,
    GateMargin,
    GateScore,
    Target,
    TargetFunction,
)
from hydranet.models import DynamicNetwork, Network
from hydranet.models.parts import maps_of
from hydranet.routing.routes import Route

Maps = Callable[[Tensor], Tensor]
"""From the stem's features to a body's feature maps."""

Finish = Callable[[list[Tensor]], Tensor]
"""From the pooled maps of each body, (B, channels) each, to what follows, (B, …)."""


class CutAtMaps(TargetFunction):
    """The same function as `TargetFunction`, computed so that `observed` sees all maps at once.

    `observed`: passes on (B, channels, h, w); the layer to give to Captum's LayerGradCam.

    Raises:
        InputError: on construction, where `check_target` does, or where a part has no maps.
    """

    def __init__(self, model: Network, target: Target, route: Route | None) -> None:
        super().__init__(model, target, route)
        self.observed = nn.Identity()
        self._maps, self._finish = self._cut()

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) normalised images → (B,)."""
        stem_features = self.model.stem(x)
        maps = [maps(stem_features) for maps in self._maps]  # each (B, channels, h, w)
        if len({part.shape[2:] for part in maps}) > 1:
            raise InputError(
                "The maps of the branches that ran differ in size, so there is no one Grad-CAM of "
                "them. Choose another method, or ask for one branch's share."
            )
        seen = self.observed(torch.cat(maps, dim=1))  # (B, all channels, h, w)
        parts = seen.split([part.shape[1] for part in maps], dim=1)
        return self._finish([part.mean(dim=(2, 3)) for part in parts])

    def _cut(self) -> tuple[list[Maps], Finish]:
        """What gives the maps that are seen, and what follows their pooling."""
        model = self.model
        match self.target:
            case ClassLogit(class_index=c) if not isinstance(model, DynamicNetwork):
                return [maps_of(model, "The body")], lambda pooled: model.head(pooled[0])[:, c]
            case ClassLogit(class_index=c):
                assert self.route is not None
                fired = fired_branches(self.route)
                weights = self.route.weights.detach()[:, : len(fired)]  # (1, k)
                if model.config.policy.in_a_row:  # the others count nothing
                    fired, weights = fired[-1:], weights[:, -1:]
                maps, features = _cut(model, fired)
                return maps, lambda pooled: model.combiner(
                    features(pooled), weights.expand(len(pooled[0]), -1)
                )[:, c]
            case BranchShare(branch=b, class_index=c):
                weight = self.weight_of(b)
                maps, features = _cut(model, [b])
                return maps, lambda pooled: model.combiner.shares(
                    features(pooled), weight.expand(len(pooled[0]), -1)
                )[:, 0, c]
            case GateScore(branch=b):
                gate = model.gate
                return [maps_of(gate, "The gate")], lambda pooled: gate.score(pooled[0])[:, b]
            case GateMargin(last_chosen=a, first_refused=b):
                gate = model.gate
                return [
                    maps_of(gate, "The gate")
                ], lambda pooled: gate.score(pooled[0])[:, a] - gate.score(pooled[0])[:, b]


def _cut(model: Any, branches: list[int]) -> tuple[list[Maps], Finish]:
    """What gives the branches' maps, and what makes (B, branches, D) features of them, pooled."""
    cuts = [model.cut(branch) for branch in branches]

    def features(pooled: list[Tensor]) -> Tensor:
        parts = [finish(part) for (_, finish), part in zip(cuts, pooled, strict=True)]
        return torch.stack(parts, dim=1)

    return [maps for maps, _ in cuts], features
