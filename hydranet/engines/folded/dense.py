"""Densely connected stems and bodies from folded layers, for one body or several at once.

What `hydranet.models.densenet` computes. Its batch norms stand before ReLU and convolution, where
no convolution can take them in; the layers of a block write into one tensor instead of copying all
earlier outputs each time; and a transition pools before its 1×1 convolution, a quarter of the work
for the same numbers, since both are linear and one works on channels, the other on pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hydranet.engines.folded.layers import Affine, Conv, Layer, affine, folded
from hydranet.models.densenet import DenseBody, DenseLayer, DenseStem, Transition


def stem_layers(stem: DenseStem) -> list[Layer]:
    """The first convolution, a pair for each layer of block 1, for the transition, for block 2."""
    return [
        folded(stem.conv),
        *_block(stem.block1),
        *_transition(stem.transition1),
        *_block(stem.block2),
    ]


def body_layers(body: DenseBody) -> list[Layer]:
    """A pair for the transition and for each layer, and the last batch norm."""
    return [*_transition(body.transition2), *_block(body.block3), affine(body.bn)]


def _transition(transition: Transition) -> list[Layer]:
    return [affine(transition.bn), folded(transition.conv)]


def _block(block: nn.Sequential) -> list[Layer]:
    layers: list[Layer] = []
    for layer in block:
        assert isinstance(layer, DenseLayer), "a dense block holds nothing else"
        layers += [affine(layer.bn), folded(layer.conv)]
    return layers


def run_stem(layers: Sequence[Layer], x: Tensor) -> Tensor:
    """(R, 3, H, W) → (R, c, ⌊H/2⌋, ⌊W/2⌋)."""
    first, *rest = layers
    assert isinstance(first, Conv), "a stem begins with one"
    pairs = _pairs(rest)
    middle = len(pairs) // 2  # as many layers in block 1 as in block 2
    x = _run_block(pairs[:middle], first(x)[:, None])
    x = _run_transition(pairs[middle], x)
    return _run_block(pairs[middle + 1 :], x).squeeze(1)


def run_body(layers: Sequence[Layer], x: Tensor) -> Tensor:
    """(R, g·c, H, W) → (R, G·D): what each of the G bodies' last maps are on average."""
    *rest, last = layers
    assert isinstance(last, Affine), "a body ends with one"
    (transition, *block) = _pairs(rest)
    x = x.unflatten(1, (-1, transition[1].channels_in))  # (R, g, c, H, W)
    x = _run_block(block, _run_transition(transition, x))
    return last(x).mean(dim=(2, 3))


def _pairs(layers: Sequence[Layer]) -> list[tuple[Affine, Conv]]:
    return [
        (norm, conv)
        for norm, conv in zip(layers[::2], layers[1::2], strict=True)
        if isinstance(norm, Affine) and isinstance(conv, Conv)
    ]


def _run_transition(layers: tuple[Affine, Conv], x: Tensor) -> Tensor:
    """(R, g, c, H, W) → (R, G, c, ⌊H/2⌋, ⌊W/2⌋)."""
    norm, conv = layers
    return conv(F.avg_pool2d(norm(x), 2)).unflatten(1, (conv.bodies, -1))


def _run_block(layers: Sequence[tuple[Affine, Conv]], x: Tensor) -> Tensor:
    """(R, G, c, h, w) → (R, G, c + growth of every layer, h, w)."""
    rows, bodies, channels, height, width = x.shape
    end = channels + sum(conv.channels for _, conv in layers)
    memory_format = layers[0][1].kernels.memory_format
    flat = torch.empty(
        (rows, bodies * end, height, width), device=x.device, memory_format=memory_format
    )
    whole = flat.unflatten(1, (bodies, end))  # (R, G, end, h, w)
    whole[:, :, :channels] = x
    for norm, conv in layers:
        grown = conv(norm(whole[:, :, :channels])).unflatten(1, (bodies, -1))
        whole[:, :, channels : channels + conv.channels] = grown
        channels += conv.channels
    return whole
