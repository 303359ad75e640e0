"""Parts that residual networks for small images are made of.

Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, section 4.2.
"""

from __future__ import annotations

from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from hydranet.config import ResNetConfig
from hydranet.models.parts import Body, Parts


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut without parameters.

    Where the shape changes, the shortcut takes every `stride`-th pixel and pads new channels with
    zeros (option A).
    """

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.new_channels = channels - in_channels
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) → (B, channels, H/stride, W/stride)."""
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + shortcut(x, self.stride, self.new_channels))


def shortcut(x: Tensor, stride: int, new_channels: int) -> Tensor:
    """Every `stride`-th pixel, and zeros for channels that the input does not have."""
    if stride > 1:
        x = x[:, :, ::stride, ::stride]
    return F.pad(x, (0, 0, 0, 0, 0, new_channels)) if new_channels else x


def residual_stage(in_channels: int, channels: int, *, blocks: int, stride: int) -> nn.Sequential:
    """`blocks` basic blocks of one width, the first with `stride`."""
    strides = [stride] + [1] * (blocks - 1)
    inputs = [in_channels] + [channels] * (blocks - 1)
    return nn.Sequential(
        *(BasicBlock(i, channels, s) for i, s in zip(inputs, strides, strict=True))
    )


class ResidualStem(nn.Module):
    """First convolution and the first two stages: what all of a Hydra-Res's branches share."""

    def __init__(self, widths: tuple[int, ...], *, blocks: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, widths[0], 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(widths[0])
        self.stage1 = residual_stage(widths[0], widths[0], blocks=blocks, stride=1)
        self.stage2 = residual_stage(widths[0], widths[1], blocks=blocks, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, widths[1], H/2, W/2)."""
        x = F.relu(self.bn(self.conv(x)))
        return self.stage2(self.stage1(x))


class PooledStage(Body):
    """The last stage and global average pooling: maps to one feature vector an image."""

    def __init__(self, widths: tuple[int, ...], *, blocks: int) -> None:
        super().__init__()
        self.stage3 = residual_stage(widths[1], widths[2], blocks=blocks, stride=2)

    def maps(self, x: Tensor) -> Tensor:
        """(B, widths[1], H, W) → (B, widths[2], H/2, W/2): the feature maps before pooling."""
        return self.stage3(x)


def residual_parts(config: ResNetConfig) -> Parts:
    """What a ResNet, a Hydra-Res and heads on a ResNet are made of."""
    return Parts(
        stem=partial(ResidualStem, config.widths, blocks=config.n),
        body=partial(PooledStage, config.widths, blocks=config.n),
        features=config.widths[2],
    )
