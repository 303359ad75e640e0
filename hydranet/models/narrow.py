"""A copy of a part of a network with fewer channels, whatever layers it is made of.

Nothing needs to be known of the architecture. The part is run once, on tensors without data, and
each layer, when its input arrives, takes the channels that arrive and gives a share of those that
it gave. Where the result cannot run, for instance because a shortcut adds an input of full width to
a narrow output, the part cannot be narrowed there.
"""

from __future__ import annotations

import copy
from math import gcd
from typing import Any

import torch
from torch import Tensor, nn

from hydranet.errors import InputError

_MULTIPLE = 8
"""Channel counts are rounded to multiples of this, which kernels are made for."""
_LAYER_SCALES = ("layer_scale", "gamma")
_LAYER_SCALE = 1e-6
"""What ConvNeXt starts its layer scales with (Liu et al., CVPR 2022, section 2.6)."""


def narrow_channels(channels: int, width: float) -> int:
    """`channels` times `width`, rounded to a multiple of 8, at least 8."""
    return channels if width == 1 else max(_MULTIPLE, _MULTIPLE * round(channels * width / 8))


NOT_RUNNING = (
    RuntimeError, ValueError, TypeError, IndexError, AttributeError, AssertionError,
)  # fmt: skip
"""What modules raise, cut from their classifier or on shapes that they were not made for: those of
libraries promise no list."""


def narrowed(part: nn.Module, x: Tensor, width: float) -> nn.Module:
    """A copy of `part` on the meta device, each layer with `width` times its channels; its input
    stays as it is. `x`: an input of `part`, of which only the shape matters.

    Raises:
        InputError: the copy cannot run.
    """
    twin = copy.deepcopy(part).to("meta").eval()
    hooks = [m.register_forward_pre_hook(_Fit(width)) for m in twin.modules()]
    try:
        with torch.no_grad():
            twin(x.to("meta"))
    except NOT_RUNNING as error:
        raise InputError(f"The part cannot be made narrower: {error}") from None
    finally:
        for hook in hooks:
            hook.remove()
    return twin


def fresh(part: nn.Module, device: torch.device) -> nn.Module:
    """A copy of a part on the meta device, with memory of its own and initialised anew, in training
    mode as any new module."""
    twin = copy.deepcopy(part).train()
    if device.type == "meta":
        return twin
    twin.to_empty(device=device)
    for module in twin.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()  # type: ignore[operator]  # a method where there is one
        for name, parameter in module.named_parameters(recurse=False):
            if name in _LAYER_SCALES:
                nn.init.constant_(parameter, _LAYER_SCALE)
    return twin


class _Fit:
    """Before a layer runs: gives it the shapes that its input asks for."""

    def __init__(self, width: float) -> None:
        self.width = width

    def __call__(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        for name, parameter in list(module.named_parameters(recurse=False)):
            if name in _LAYER_SCALES:
                shape = (narrow_channels(parameter.shape[0], self.width), *parameter.shape[1:])
                setattr(module, name, _empty(shape))
        x = inputs[0]
        match module:
            case nn.Conv2d():
                self._conv(module, x.shape[1])
            case nn.Linear():
                module.out_features = narrow_channels(module.out_features, self.width)
                module.in_features = x.shape[-1]
                module.weight = _empty((module.out_features, module.in_features))
                if module.bias is not None:
                    module.bias = _empty((module.out_features,))
            case nn.BatchNorm2d():
                module.num_features = x.shape[1]
                for name in ("weight", "bias"):
                    setattr(module, name, _empty((x.shape[1],)))
                for name in ("running_mean", "running_var"):
                    setattr(module, name, torch.empty(x.shape[1], device="meta"))
            case nn.LayerNorm():
                # Over the last axis, but where a subclass moves the channels there itself.
                last = x.shape[1] if "2d" in type(module).__name__ else x.shape[-1]
                module.normalized_shape = (last,)
                module.weight, module.bias = _empty((last,)), _empty((last,))

    def _conv(self, conv: nn.Conv2d, arriving: int) -> None:
        per_group = conv.in_channels // conv.groups
        if conv.groups == conv.in_channels and conv.groups > 1:  # depthwise
            groups, channels = arriving, arriving * (conv.out_channels // conv.in_channels)
        else:
            channels = narrow_channels(conv.out_channels, self.width)
            grouped = gcd(gcd(arriving, channels), per_group) if conv.groups > 1 else arriving
            groups = arriving // grouped
        conv.in_channels, conv.out_channels, conv.groups = arriving, channels, groups
        conv.weight = _empty((channels, arriving // groups, *conv.kernel_size))
        if conv.bias is not None:
            conv.bias = _empty((channels,))


def _empty(shape: tuple[int, ...]) -> nn.Parameter:
    return nn.Parameter(torch.empty(shape, device="meta"))
