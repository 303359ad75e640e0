"""What every network here has beside its layers, and what every static one is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from hydranet.config import ArchitectureConfig
from hydranet.models.parts import Parts, initialise

if TYPE_CHECKING:
    from hydranet.checkpoints.card import Card


class Network(nn.Module):
    """A network that knows its configuration and, where it comes from a checkpoint, its card.

    `stem`: what every input runs first.
    """

    config: ArchitectureConfig
    stem: nn.Module
    card: Card | None = None

    def stem_maps(self, x: Tensor) -> Tensor:
        """What the stem hands on, as maps: (B, 3, H, W) → (B, channels, h, w)."""
        return self.stem(x)


class StaticNetwork(Network):
    """A static network: every input runs all of it.

    Split into `stem`, `body` and `head` at the place where a HydraNet of the same depth branches.
    """

    def __init__(self, config: ArchitectureConfig, parts: Parts) -> None:
        super().__init__()
        self.config = config
        self.stem = parts.stem()
        self.body = parts.body()
        output = nn.Linear(parts.features, config.num_classes)
        self.head = output if parts.neck is None else nn.Sequential(parts.neck(), output)
        initialise(self)

    @property
    def output(self) -> nn.Linear:
        """The output layer: the head, or the last layer of it."""
        layer = self.head if isinstance(self.head, nn.Linear) else self.head[-1]
        assert isinstance(layer, nn.Linear), "what a head ends in"
        return layer

    def features(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) normalised images → (B, D): what the output layer sees."""
        return self.body(self.stem(x))

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) normalised images → (B, C) logits."""
        return self.head(self.features(x))
