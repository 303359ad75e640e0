"""Residual stems and bodies from folded layers, for one body or several at once.

What `hydranet.models.blocks` computes, batch norm folded into the convolutions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from hydranet.engines.folded.layers import Conv, Layer, folded
from hydranet.models.blocks import BasicBlock, PooledStage, ResidualStem


def stem_layers(stem: ResidualStem) -> list[Layer]:
    """The first convolution, then two for each block."""
    return [folded(stem.conv, stem.bn), *_stage(stem.stage1), *_stage(stem.stage2)]


def body_layers(body: PooledStage) -> list[Layer]:
    """Two convolutions for each block."""
    return _stage(body.stage3)


def _stage(blocks: nn.Sequential) -> list[Layer]:
    layers: list[Layer] = []
    for block in blocks:
        assert isinstance(block, BasicBlock), "a residual stage holds nothing else"
        layers += [folded(block.conv1, block.bn1), folded(block.conv2, block.bn2)]
    return layers


def run_stem(layers: Sequence[Layer], x: Tensor) -> Tensor:
    """(R, 3, H, W) → (R, c, H/2, W/2)."""
    first, *rest = _convs(layers)
    return _blocks(rest, first.relu(x))


def run_body(layers: Sequence[Layer], x: Tensor) -> Tensor:
    """(R, g·c, H, W) → (R, G·D): what each of the G bodies' last maps are on average."""
    return _blocks(list(_convs(layers)), x).mean(dim=(2, 3))


def _convs(layers: Iterable[Layer]) -> Iterable[Conv]:
    return (layer for layer in layers if isinstance(layer, Conv))


def _blocks(convs: Sequence[Conv], x: Tensor) -> Tensor:
    for first, second in zip(convs[::2], convs[1::2], strict=True):
        x = second.add_relu(first.relu(x), _shortcut(x, first, second))
    return x


def _shortcut(x: Tensor, first: Conv, second: Conv) -> Tensor:
    """(R, g·in, H, W) → (R, G·out, h, w), to be overwritten: every `stride`-th pixel, new channels
    zero. Where nothing changes it is x itself, which only this block reads: blocks that share their
    input, those of the branches and the gate, have a stride."""
    channels_in, channels, bodies = first.channels_in, second.channels, first.bodies
    shared = bodies * channels_in // x.shape[1]  # bodies that share one input
    if first.stride == 1 and channels == channels_in and shared == 1:
        return x
    x = x[:, :, :: first.stride, :: first.stride]
    new = (0, 0, 0, 0, 0, channels - channels_in)
    if bodies == 1:
        return F.pad(x, new)
    x = F.pad(x.unflatten(1, (-1, channels_in)), new)  # (R, g, out, h, w)
    rows, given, *rest = x.shape
    return x[:, :, None].expand(rows, given, shared, *rest).flatten(1, 3)  # (R, G·out, h, w)
