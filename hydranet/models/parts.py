"""What a family of networks gives to build with: a stem, a body, and how wide its features are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn


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


@dataclass(frozen=True)
class Parts:
    """`stem` and `body` make a new one at every call; `features` is what a body gives, D."""

    stem: Callable[[], nn.Module]
    body: Callable[[], Body]
    features: int


def initialise(module: nn.Module) -> None:
    """He initialisation for convolutions, PyTorch's own for the rest."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
