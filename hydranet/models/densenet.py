"""DenseNet-(3n+4) for small images, the static baseline of Hydra-Dense, and its parts.

Source: Huang, Liu, van der Maaten, Weinberger, "Densely Connected Convolutional Networks", CVPR
2017, section 3. Batch norm and ReLU stand before each convolution; no bottleneck, no compression.
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hydranet.config import DenseNetConfig
from hydranet.models.network import StaticNetwork
from hydranet.models.parts import Body, Parts


class DenseLayer(nn.Module):
    """Batch norm, ReLU and a 3×3 convolution, whose output stands behind its input."""

    def __init__(self, in_channels: int, growth: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(in_channels)
        self.conv = nn.Conv2d(in_channels, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) → (B, in + growth, H, W)."""
        return torch.cat([x, self.conv(F.relu(self.bn(x)))], dim=1)


def dense_block(in_channels: int, growth: int, *, layers: int) -> nn.Sequential:
    """`layers` dense layers: each sees the input and the outputs of all layers before it."""
    return nn.Sequential(*(DenseLayer(in_channels + i * growth, growth) for i in range(layers)))


class Transition(nn.Module):
    """Batch norm, ReLU, a 1×1 convolution that keeps the channels, and 2×2 average pooling."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels)
        self.conv = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, c, H, W) → (B, c, ⌊H/2⌋, ⌊W/2⌋)."""
        return F.avg_pool2d(self.conv(F.relu(self.bn(x))), 2)


class DenseStem(nn.Module):
    """First convolution, block 1, transition 1 and block 2: what all branches share."""

    def __init__(self, channels: int, growth: int, *, layers: int) -> None:
        super().__init__()
        second = channels + layers * growth
        self.conv = nn.Conv2d(3, channels, 3, padding=1, bias=False)
        self.block1 = dense_block(channels, growth, layers=layers)
        self.transition1 = Transition(second)
        self.block2 = dense_block(second, growth, layers=layers)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, channels + 2·layers·growth, ⌊H/2⌋, ⌊W/2⌋)."""
        return self.block2(self.transition1(self.block1(self.conv(x))))


class DenseBody(Body):
    """Transition 2, block 3, a last batch norm and ReLU, and global average pooling."""

    def __init__(self, in_channels: int, growth: int, *, layers: int) -> None:
        super().__init__()
        self.transition2 = Transition(in_channels)
        self.block3 = dense_block(in_channels, growth, layers=layers)
        self.bn = nn.BatchNorm2d(in_channels + layers * growth)

    def maps(self, x: Tensor) -> Tensor:
        """(B, in, H, W) → (B, in + layers·growth, ⌊H/2⌋, ⌊W/2⌋): the maps before pooling."""
        return F.relu(self.bn(self.block3(self.transition2(x))))


def dense_parts(config: DenseNetConfig) -> Parts:
    """What a DenseNet, a Hydra-Dense and heads on a DenseNet are made of."""
    n, growth = config.n, config.growth
    channels = config.channels + 2 * n * growth
    return Parts(
        stem=partial(DenseStem, config.channels, growth, layers=n),
        body=partial(DenseBody, channels, growth, layers=n),
        features=channels + n * growth,
    )


class DenseNet(StaticNetwork):
    """First convolution and three dense blocks; transition 2 and block 3 are the body."""

    def __init__(self, config: DenseNetConfig) -> None:
        super().__init__(config, dense_parts(config))
