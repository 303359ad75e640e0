"""Layers for inference: batch norm folded in, shortcut and ReLU part of the convolution.

Where torch has oneDNN, as its builds for x86 processors do, a convolution's weights are laid out
once as that library wants them, and bias, addition and ReLU are done while its output is in
registers: the calls that `torch.compile` generates for a frozen network, without compiling. They
are not public, so a torch that lacks them is served by plain calls, to the same numbers. On a GPU
it is `Kernels` that says how weights are laid out and what cuDNN is called for.

A layer may hold several *bodies*: the weights of G networks of one shape, one behind the other
along the first dimension. (R, G·in, h, w) becomes (R, G·out, h, w) by one grouped convolution;
where the bodies share their input, (R, in, h, w) does by one dense convolution.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights


@dataclass(frozen=True)
class Kernels:
    """What a GPU's library is asked for.

    `channels_last`: maps and weights lie in memory pixel by pixel, else channel by channel, which
    was faster on an H100, see `hydranet.engines.cuda`; `fused`: bias, addition and ReLU are part of
    cuDNN's convolution; `apart`: where every branch runs, each has convolutions of its own, beside
    the others', instead of a group in grouped ones.
    """

    channels_last: bool = False
    fused: bool = False
    apart: bool = False

    @property
    def memory_format(self) -> torch.memory_format:
        """Of maps and weights."""
        return torch.channels_last if self.channels_last else torch.contiguous_format


ON_CPU = Kernels(channels_last=True)
"""Of all that `Kernels` has, the layout alone is for a CPU too."""
ON_GPU = Kernels()


@dataclass(frozen=True)
class Conv:
    """A convolution. `weight`: (G·out, in, h, w), `bias`: (G·out,) or None."""

    weight: Tensor
    bias: Tensor | None
    stride: int
    padding: int
    bodies: int = 1
    packed: bool = False
    kernels: Kernels = ON_CPU

    @property
    def channels_in(self) -> int:
        """Of one body."""
        return self.weight.shape[1]

    @property
    def channels(self) -> int:
        """That one body puts out."""
        return self.weight.shape[0] // self.bodies

    def __call__(self, x: Tensor) -> Tensor:
        """(R, g·in, H, W) → (R, G·out, h, w); g divides G: bodies next to each other may share."""
        return self._packed(x, "none") if self.packed else self._plain(x)

    def relu(self, x: Tensor) -> Tensor:
        """The same, then ReLU."""
        if self.kernels.fused:
            return torch.cudnn_convolution_relu(x, self.weight, self.bias, *self._how(x))
        return self._packed(x, "relu") if self.packed else self._plain(x).relu_()

    def add_relu(self, x: Tensor, other: Tensor) -> Tensor:
        """The same plus `other` (R, G·out, h, w), which is overwritten, then ReLU."""
        if self.kernels.fused:
            return torch.cudnn_convolution_add_relu(
                x, self.weight, other, 1.0, self.bias, *self._how(x)
            )
        if not self.packed:
            return self._plain(x).add_(other).relu_()
        return torch.ops.mkldnn._convolution_pointwise_.binary(
            other, x, self.weight, self.bias, [self.padding] * 2, [self.stride] * 2, [1, 1], 1,
            "add", 1.0, "relu", [], "",
        )  # fmt: skip

    def _plain(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, self.bias, *self._how(x))

    def _how(self, x: Tensor) -> tuple[list[int], list[int], list[int], int]:
        """Stride, padding, dilation and groups."""
        return [self.stride] * 2, [self.padding] * 2, [1, 1], x.shape[1] // self.channels_in

    def _packed(self, x: Tensor, then: str) -> Tensor:
        return torch.ops.mkldnn._convolution_pointwise(
            x, self.weight, self.bias, [self.padding] * 2, [self.stride] * 2, [1, 1], 1,
            then, [], "",
        )  # fmt: skip


@dataclass(frozen=True)
class Affine:
    """A batch norm that no convolution can take in, then ReLU. `scale`, `shift`: (G, c)."""

    scale: Tensor
    shift: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """(R, g, c, h, w) → (R, G·c, h, w), a new tensor; g divides G."""
        bodies, channels = self.scale.shape
        shape = (x.shape[1], bodies // x.shape[1], channels, 1, 1)  # (g, G/g, c, 1, 1)
        out = torch.addcmul(self.shift.view(shape), x[:, :, None], self.scale.view(shape))
        return out.relu_().flatten(1, 3)


Layer = Conv | Affine


def packed(layers: list[Layer]) -> list[Layer]:
    """The layers of one body, their weights laid out once for the CPU, where torch can do that."""
    return [_pack(x) if isinstance(x, Conv) else x for x in layers] if _can_pack() else layers


def with_kernels(layers: list[Layer], kernels: Kernels) -> list[Layer]:
    """The layers of one body as `kernels` wants them; on a CPU nothing is cuDNN's."""
    return [_with(x, kernels) if isinstance(x, Conv) else x for x in layers]


def _with(conv: Conv, kernels: Kernels) -> Conv:
    weight = conv.weight.contiguous(memory_format=kernels.memory_format)
    fused = kernels.fused and weight.is_cuda
    return replace(conv, weight=weight, kernels=replace(kernels, fused=fused))


def _pack(conv: Conv) -> Conv:
    if conv.weight.device.type != "cpu":  # oneDNN's layouts are for it alone
        return conv
    weight = torch.ops.mkldnn._reorder_convolution_weight(
        conv.weight, [conv.padding] * 2, [conv.stride] * 2, [1, 1], 1, []
    )
    return replace(conv, weight=weight, packed=True)


def _can_pack() -> bool:
    return torch.backends.mkldnn.is_available() and all(
        hasattr(torch.ops.mkldnn, name)
        for name in (
            "_reorder_convolution_weight", "_convolution_pointwise", "_convolution_pointwise_",
        )
    )  # fmt: skip


def folded(conv: nn.Conv2d, norm: nn.BatchNorm2d | None = None) -> Conv:
    """A convolution, with the batch norm behind it in its weights; folded in double precision."""
    weight, bias = conv.weight, conv.bias
    if norm is not None:
        mean, variance = _statistics(norm)
        weight, bias = fuse_conv_bn_weights(
            conv.weight.double(), None, mean, variance, norm.eps,
            norm.weight.double(), norm.bias.double(),
        )  # fmt: skip
    return Conv(
        weight.detach().float().contiguous(memory_format=torch.channels_last),
        None if bias is None else bias.detach().float(),
        conv.stride[0],
        int(conv.padding[0]),
    )


def affine(norm: nn.BatchNorm2d) -> Affine:
    """A batch norm and a ReLU behind it; worked out in double precision."""
    mean, variance = _statistics(norm)
    scale = norm.weight.double() / (variance + norm.eps).sqrt()
    shift = norm.bias.double() - mean * scale
    return Affine(scale.detach().float()[None], shift.detach().float()[None])


def _statistics(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None, "these batch norms keep statistics"
    assert variance is not None, "these batch norms keep statistics"
    return mean.double(), variance.double()


def alike(one: list[Layer], other: list[Layer]) -> bool:
    """Whether two bodies differ in nothing but their numbers."""
    return [_shape(layer) for layer in one] == [_shape(layer) for layer in other]


def _shape(layer: Layer) -> tuple[object, ...]:
    if isinstance(layer, Affine):
        return (layer.scale.shape,)
    return layer.weight.shape, layer.bias is None, layer.stride, layer.padding


def joined(layers: list[Layer]) -> Layer:
    """The same layer of several bodies as one layer."""
    first = layers[0]
    if isinstance(first, Affine):
        norms = [layer for layer in layers if isinstance(layer, Affine)]
        return Affine(torch.cat([n.scale for n in norms]), torch.cat([n.shift for n in norms]))
    convs = [layer for layer in layers if isinstance(layer, Conv)]
    biases = [conv.bias for conv in convs if conv.bias is not None]
    weight = torch.cat([conv.weight for conv in convs])
    return replace(
        first,
        weight=weight.contiguous(memory_format=first.kernels.memory_format),
        bias=torch.cat(biases) if biases else None,
        bodies=len(convs),
    )


def taken(layer: Layer, bodies: Tensor) -> Layer:
    """Those bodies of a joined layer whose numbers stand in `bodies` (G,); some may come twice."""
    if isinstance(layer, Affine):
        return Affine(layer.scale[bodies], layer.shift[bodies])
    bias = layer.bias
    return replace(
        layer,
        weight=layer.weight.unflatten(0, (layer.bodies, -1))[bodies].flatten(0, 1),
        bias=None if bias is None else bias.view(layer.bodies, -1)[bodies].flatten(),
        bodies=len(bodies),
    )
