"""Parts of ResSep and of the paper's ImageNet variant: see `hydranet.config.separable`."""

from __future__ import annotations

from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from hydranet.config.separable import HydraResSepConfig, ResSepConfig, scaled
from hydranet.models.blocks import shortcut
from hydranet.models.parts import Body, HydraParts, Parts, Tail


def separable(in_channels: int, channels: int, stride: int) -> nn.Sequential:
    """A depthwise 3×3 convolution, a pointwise one, and batch norm."""
    return nn.Sequential(
        nn.Conv2d(in_channels, in_channels, 3, stride, 1, groups=in_channels, bias=False),
        nn.Conv2d(in_channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
    )


class SeparableBlock(nn.Module):
    """Two separable convolutions and a shortcut without parameters."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.new_channels = channels - in_channels
        self.conv1 = separable(in_channels, channels, stride)
        self.conv2 = separable(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) → (B, channels, H/stride, W/stride)."""
        out = self.conv2(F.relu(self.conv1(x)))
        return F.relu(out + shortcut(x, self.stride, self.new_channels))


def separable_stage(in_channels: int, channels: int, *, blocks: int, stride: int) -> nn.Sequential:
    """`blocks` blocks of one width, the first with `stride`."""
    rest = (SeparableBlock(channels, channels, 1) for _ in range(blocks - 1))
    return nn.Sequential(SeparableBlock(in_channels, channels, stride), *rest)


class SeparableStem(nn.Module):
    """First convolution, max pooling and the first three stages."""

    def __init__(self, first: int, widths: tuple[int, ...], *, blocks: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, first, 3, 2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(first)
        self.stage1 = separable_stage(first, widths[0], blocks=blocks, stride=1)
        self.stage2 = separable_stage(widths[0], widths[1], blocks=blocks, stride=2)
        self.stage3 = separable_stage(widths[1], widths[2], blocks=blocks, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, widths[2], H/16, W/16)."""
        x = F.max_pool2d(F.relu(self.bn(self.conv(x))), 3, 2, padding=1)
        return self.stage3(self.stage2(self.stage1(x)))


class SeparableBody(Body):
    """The fourth stage and global average pooling."""

    def __init__(self, in_channels: int, channels: int, *, blocks: int) -> None:
        super().__init__()
        self.stage4 = separable_stage(in_channels, channels, blocks=blocks, stride=2)

    def maps(self, x: Tensor) -> Tensor:
        """(B, in, H, W) → (B, channels, H/2, W/2): the feature maps before pooling."""
        return self.stage4(x)


def separable_parts(config: ResSepConfig) -> Parts:
    """What a ResSep is made of."""
    widths = config.widths
    return Parts(
        stem=partial(SeparableStem, config.first, widths, blocks=config.d),
        body=partial(SeparableBody, widths[2], widths[3], blocks=config.d),
        features=widths[3],
    )


def hydra_separable_parts(config: HydraResSepConfig) -> HydraParts:
    """What a Hydra-ResSep is made of."""
    first = scaled(config.first, config.stem_width)
    widths = tuple(scaled(width, config.stem_width) for width in config.widths[:3])
    full = config.widths[3]
    branch, gate = (scaled(full, factor) for factor in (config.branch_width, config.gate_width))
    return HydraParts(
        stem=partial(SeparableStem, first, widths, blocks=config.d),
        branch=Tail(
            body=partial(SeparableBody, widths[2], branch, blocks=config.d),
            pooled=branch,
            neck=partial(nn.Linear, branch, full),
            features=full,
        ),
        gate=Tail(
            body=partial(SeparableBody, widths[2], gate, blocks=config.d),
            pooled=gate,
            neck=nn.Identity,
            features=gate,
        ),
    )
