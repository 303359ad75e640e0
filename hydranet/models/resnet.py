"""ResNet-(6n+2) for small images, the static baseline of Hydra-Res.

Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, section 4.2.
"""

from __future__ import annotations

from hydranet.config import ResNetConfig
from hydranet.models.blocks import residual_parts
from hydranet.models.network import StaticNetwork


class ResNet(StaticNetwork):
    """First convolution and three stages, of which the last is the body."""

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__(config, residual_parts(config))
