"""What "auto" in a recipe means on the machine at hand.

Measured on two cores with AVX-512 bf16 and torch 2.14, images/s of one thread, batch 128, one run:
ResNet-14 315 plain, 422 compiled, 683 compiled in bf16; Hydra-Res-d1 270 plain, 329 with stem and
gate compiled, 489 in bf16 and not compiled, 437 in bf16 and compiled. Of the dense networks in bf16
it is the other way: DenseNet-13 287 not compiled, 226 compiled; Hydra-Dense-d2 200 and 239.
"""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from dataclasses import replace

import torch
from torch import nn

from hydranet.config import DenseNetConfig, HydraDenseConfig
from hydranet.executions.stacked import can_stack, compile_stacked, kept_stack
from hydranet.models.blocks import BasicBlock
from hydranet.models.densenet import DenseLayer, Transition
from hydranet.models.dynamic import DynamicNetwork
from hydranet.models.network import Network
from hydranet.training.recipe import Recipe

_DENSE = (DenseNetConfig, HydraDenseConfig)
_BLOCKS = (BasicBlock, DenseLayer, Transition)


def settle(recipe: Recipe, model: Network, device: torch.device) -> Recipe:
    """The recipe with "auto" replaced by what is fastest for this network on this device."""
    cuda = device.type == "cuda"
    precision, compile_ = recipe.precision, recipe.compile
    if precision == "auto":
        fast = torch.cuda.is_bf16_supported() if cuda else _cpu_has_bfloat16()
        precision = "bfloat16" if fast else "float32"
    if compile_ == "auto" and cuda:
        compile_ = "on"
    elif compile_ == "auto":
        static, dense = not isinstance(model, DynamicNetwork), isinstance(model.config, _DENSE)
        gains = static != dense
        compile_ = "on" if gains or precision == "float32" else "off"
    execution = recipe.execution
    if execution == "auto":
        fixed = cuda and isinstance(model, DynamicNetwork) and can_stack(model.branches)
        execution = "buckets" if fixed else "fired"
    return replace(recipe, precision=precision, compile=compile_, execution=execution)


def _cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies bf16 itself; elsewhere bf16 is slower than float32."""
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())


def autocast(recipe: Recipe, device: torch.device) -> AbstractContextManager[object]:
    """The context in which a forward of this recipe runs."""
    if recipe.precision == "bfloat16":
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()


def compile_in_place(model: nn.Module) -> None:
    """Compile what has static shapes: the whole of a static network, stem and gate of a HydraNet.

    Which rows a branch gets differs from batch to batch, so branches stay as they are, unless they
    are stacked. On a GPU it is block by block: blocks of one shape are compiled once, a network of
    any depth in the seconds of a shallow one.
    """
    parts = [model]
    if isinstance(model, DynamicNetwork):
        parts = [model.stem, model.gate]
        if kept_stack(model.branches):
            compile_stacked()
    on_gpu = next(model.parameters()).device.type == "cuda"
    if on_gpu:
        torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, 64)
        modules = [module for part in parts for module in part.modules()]
        parts = [module for module in modules if isinstance(module, _BLOCKS)] or parts
    for part in parts:
        part.compile(dynamic=False if on_gpu else None)
