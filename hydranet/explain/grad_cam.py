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

from hydranet.explain.parts import body_of, fired_branches
from hydranet.explain.targets import (
    BranchShare,
    ClassLogit,
    GateMargin,
    GateScore,
    Target,
    TargetFunction,
)
from hydranet.models import HydraNet, Network
from hydranet.routing import Route

Finish = Callable[[list[Tensor]], Tensor]
"""From the pooled maps of each body, (B, channels) each, to the target, (B,)."""


class CutAtMaps(TargetFunction):
    """The same function as `TargetFunction`, computed so that `observed` sees all maps at once.

    `observed`: passes on (B, channels, h, w); the layer to give to Captum's LayerGradCam.

    Raises:
        InputError: on construction, where `check_target` does, or where a part has no maps.
    """

    def __init__(self, model: Network, target: Target, route: Route | None) -> None:
        super().__init__(model, target, route)
        self.observed = nn.Identity()
        self._bodies, self._finish = self._cut()

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) normalised images → (B,)."""
        stem_features = self.model.stem(x)
        maps = [body.maps(stem_features) for body in self._bodies]  # each (B, channels, h, w)
        seen = self.observed(torch.cat(maps, dim=1))  # (B, bodies · channels, h, w)
        return self._finish([part.mean(dim=(2, 3)) for part in seen.chunk(len(maps), dim=1)])

    def _cut(self) -> tuple[list[Any], Finish]:
        """The bodies whose maps are seen, and what follows their pooling."""
        model = self.model
        match self.target:
            case ClassLogit(class_index=c) if not isinstance(model, HydraNet):
                return [body_of(model, "The body")], lambda pooled: model.head(pooled[0])[:, c]
            case ClassLogit(class_index=c):
                assert self.route is not None
                owners = [model.branches[b] for b in fired_branches(self.route)]
                weights = self.route.weights.detach()[:, : len(owners)]  # (1, k)
                return _bodies(owners), lambda pooled: model.combiner(
                    _features(owners, pooled), weights.expand(len(pooled[0]), -1)
                )[:, c]
            case BranchShare(branch=b, class_index=c):
                owners, weight = [model.branches[b]], self.weight_of(b)
                return _bodies(owners), lambda pooled: model.combiner.shares(
                    _features(owners, pooled), weight.expand(len(pooled[0]), -1)
                )[:, 0, c]
            case GateScore(branch=b):
                gate = model.gate
                return [body_of(gate, "The gate")], lambda pooled: gate.score(pooled[0])[:, b]
            case GateMargin(last_chosen=a, first_refused=b):
                gate = model.gate
                return [
                    body_of(gate, "The gate")
                ], lambda pooled: gate.score(pooled[0])[:, a] - gate.score(pooled[0])[:, b]


def _bodies(branches: list[Any]) -> list[Any]:
    return [body_of(branch, "A branch") for branch in branches]


def _features(branches: list[Any], pooled: list[Tensor]) -> Tensor:
    """What the branches make of their pooled maps: (B, branches, D)."""
    projected = [branch.projection(part) for branch, part in zip(branches, pooled, strict=True)]
    return torch.stack(projected, dim=1)
