"""ResNet-(6n+2) for small images, the static baseline of Hydra-Res.

Source: He et al., CVPR 2016, section 4.2. Split into `stem`, `body` and `head` at the place where
a Hydra-Res of the same depth branches.
"""

from __future__ import annotations

from torch import Tensor, nn

from hydranet.config import ResNetConfig
from hydranet.models.blocks import PooledStage, ResidualStem, initialise
from hydranet.models.network import Network


class ResNet(Network):
    """A static network: every input runs all of it."""

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        self.config: ResNetConfig = config
        self.stem = ResidualStem(config.widths, blocks=config.n)
        self.body = PooledStage(config.widths, blocks=config.n)
        self.head = nn.Linear(config.widths[2], config.num_classes)
        initialise(self)

    def features(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) normalised images → (B, widths[2]): what the output layer sees."""
        return self.body(self.stem(x))

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) normalised images → (B, C) logits."""
        return self.head(self.features(x))
