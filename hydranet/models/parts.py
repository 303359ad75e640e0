"""What a family of networks gives to build with: stem, bodies, and the width of their features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from hydranet.errors import InputError


class Body(nn.Module):
    """The last part before an output layer: the stem's maps to one feature vector an image.

    The body of a static network, of every branch and of the gate, so that trained weights of one
    can be copied into the others.
    """

    def maps(self, x: Tensor) -> Tensor:
        """(B, c, H, W) → (B, D, H/2, W/2): the feature maps before pooling."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """(B, c, H, W) → (B, D)."""
        return self.maps(x).mean(dim=(2, 3))


def maps_of(owner: nn.Module, name: str) -> Callable[[Tensor], Tensor]:
    """What gives the feature maps before pooling of a branch, of the gate or of a static network.

    `name`: of the owner, in the error. Raises InputError: its body gives none.
    """
    body: Any = getattr(owner, "body", None)
    if not hasattr(body, "maps"):
        raise InputError(
            f"{name} of this network has no feature maps before pooling, so neither they nor "
            "Grad-CAM can be shown. Choose another method, or the stem's maps."
        )
    return body.maps


@dataclass(frozen=True)
class Parts:
    """Of a static network: `stem`, `body` and `neck`, which stands between pooling and the output
    layer, make a new one at every call; `features` is what the output layer sees, D."""

    stem: Callable[[], nn.Module]
    body: Callable[[], Body]
    features: int
    neck: Callable[[], nn.Module] | None = None


@dataclass(frozen=True)
class Tail:
    """What follows a stem: a `body`, whose pooled features are `pooled` wide, and a `neck`, which
    makes `features` of them. Both make a new one at every call."""

    body: Callable[[], Body]
    pooled: int
    neck: Callable[[], nn.Module]
    features: int


@dataclass(frozen=True)
class HydraParts:
    """Of a HydraNet: its `stem`, and what every `branch` and the `gate` are made of."""

    stem: Callable[[], nn.Module]
    branch: Tail
    gate: Tail


def initialise(module: nn.Module) -> None:
    """He initialisation for convolutions, PyTorch's own for the rest."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
