"""N branches of one shape as one: their tensors stacked, their convolutions grouped ones.

Rows lie in a table of as many rows for every branch, some of which are padding, so that no shape
depends on the route. Padding is zero throughout and is left out of what batch norm learns and
normalises by: each branch computes what it computes on its own rows alone, gradients too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hydranet.errors import InputError
from hydranet.models.blocks import BasicBlock, PooledStage
from hydranet.models.densenet import DenseBody, DenseLayer, Transition

_KEPT = "_stack"


@dataclass(frozen=True)
class Stack:
    """The tensors of N branches by their names in one of them, each (N, …).

    `kept`: the branches' own tensors are views of these, so that what changes here changes there.
    """

    parameters: dict[str, Tensor]
    buffers: dict[str, Tensor]
    kept: bool

    def __getitem__(self, name: str) -> Tensor:
        return self.parameters[name] if name in self.parameters else self.buffers[name]


def kept_stack(branches: nn.ModuleList) -> Stack | None:
    """The stack that `keep_stack` made, if it did."""
    kept = vars(branches).get(_KEPT)
    return kept if isinstance(kept, Stack) else None


def can_stack(branches: nn.ModuleList) -> bool:
    """Whether branches are of a kind that is run as one here."""
    return isinstance(getattr(branches[0], "body", None), PooledStage | DenseBody)


def stack_of(branches: nn.ModuleList) -> Stack:
    """The one that is kept, or a copy that passes gradients on to each branch.

    Raises:
        InputError: the branches are of another kind.
    """
    if kept := kept_stack(branches):
        return kept
    if not can_stack(branches):
        raise InputError(
            "Buckets hold the branches of a Hydra-Res, a Hydra-Dense or a multi-head network, but "
            f"this network's are of the kind {type(branches[0]).__name__}. Choose the execution "
            "fired."
        )
    return Stack(
        _stacked([dict(branch.named_parameters()) for branch in branches]),
        _stacked([dict(branch.named_buffers()) for branch in branches]),
        kept=False,
    )


@torch.no_grad()
def keep_stack(branches: nn.ModuleList) -> Stack:
    """Stack the branches once and for all: their tensors become views of the stack's.

    The stack's parameters are what an optimiser has to change from then on: one tensor where there
    were N.
    """
    copy = stack_of(branches)
    if copy.kept:
        return copy
    stack = Stack(
        {name: nn.Parameter(value.detach()) for name, value in copy.parameters.items()},
        {name: value.detach() for name, value in copy.buffers.items()},
        kept=True,
    )
    for index, branch in enumerate(branches):
        for name, parameter in branch.named_parameters():
            parameter.data = stack.parameters[name].data[index]
        for name, _ in list(branch.named_buffers()):
            owner, _, own = name.rpartition(".")
            setattr(branch.get_submodule(owner), own, stack.buffers[name][index])
    vars(branches)[_KEPT] = stack
    return stack


def _stacked(tensors: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """One tensor for each name, the branches along a new first dimension; of convolutions the
    channels stand last in memory."""
    return {name: _stack_one([own[name] for own in tensors]) for name in tensors[0]}


def _stack_one(tensors: list[Tensor]) -> Tensor:
    if tensors[0].dim() != 4:
        return torch.stack(tensors)
    last = torch.stack([tensor.permute(0, 2, 3, 1) for tensor in tensors])  # (N, out, h, w, in)
    return last.permute(0, 1, 4, 2, 3)


@dataclass(frozen=True)
class Rows:
    """Which rows of a table are no padding. `mask`: (M, N) of ones and zeros; `count`: (N,), how
    many of a branch are not."""

    mask: Tensor
    count: Tensor


def run_stacked(branches: nn.ModuleList, stack: Stack, table: Tensor, rows: Rows) -> Tensor:
    """A table of stem features (M, N, c, H, W), zero where padded → features (M, N, D).

    In training mode batch norm takes its statistics over a branch's own rows, as it does where the
    branch runs alone, and a branch without rows keeps the statistics that it has.
    """
    first: Any = branches[0]
    if isinstance(first.body, PooledStage):
        maps = _residual(first.body, stack, table, rows)
    else:
        maps = _dense(first.body, stack, table, rows)
    pooled = maps.mean(dim=(3, 4))  # (M, N, D)
    if not isinstance(first.projection, nn.Linear):
        return pooled
    weight, bias = stack["projection.weight"], stack["projection.bias"]  # (N, D', D), (N, D')
    return torch.baddbmm(
        bias[:, None].to(pooled.dtype), pooled.transpose(0, 1), weight.to(pooled.dtype).mT
    ).transpose(0, 1)


def write_back(branches: nn.ModuleList, stack: Stack) -> None:
    """Give each branch the statistics that batch norm has moved in a stack that is not kept."""
    if stack.kept:
        return
    for index, branch in enumerate(branches):
        for name, buffer in branch.named_buffers():
            buffer.copy_(stack.buffers[name][index])


@dataclass(frozen=True)
class _Norm:
    """A batch norm of N branches: weight, bias, mean and variance, (N, c) each, and how often it
    has learned, (N,)."""

    weight: Tensor
    bias: Tensor
    mean: Tensor
    variance: Tensor
    learned: Tensor
    eps: float
    momentum: float
    training: bool

    def scale_and_shift(self, x: Tensor, rows: Rows) -> tuple[Tensor, Tensor]:
        """What (M, N, c, H, W), zero where padded, is multiplied by and then moved by: (N, c)."""
        mean, variance = self.mean, self.variance
        if self.training:
            y = x.float()
            seen = (rows.count * (x.shape[3] * x.shape[4]))[:, None]  # (N, 1)
            values = seen.clamp(min=1)
            mean = y.sum(dim=(0, 3, 4)) / values
            variance = ((y * y).sum(dim=(0, 3, 4)) / values - mean * mean).clamp(min=0)
            self._learn(mean.detach(), variance.detach(), seen)
        scale = self.weight * (variance + self.eps).rsqrt()
        return scale, self.bias - mean * scale

    @torch.no_grad()
    def _learn(self, mean: Tensor, variance: Tensor, seen: Tensor) -> None:
        share = self.momentum * (seen > 0)  # (N, 1)
        unbiased = variance * (seen / (seen - 1).clamp(min=1))
        self.mean.lerp_(mean, share)
        self.variance.lerp_(unbiased, share)
        self.learned.add_((seen[:, 0] > 0).to(self.learned.dtype))


def _norm(stack: Stack, name: str, module: nn.BatchNorm2d) -> _Norm:
    return _Norm(
        weight=stack[f"{name}.weight"],
        bias=stack[f"{name}.bias"],
        mean=stack[f"{name}.running_mean"],
        variance=stack[f"{name}.running_var"],
        learned=stack[f"{name}.num_batches_tracked"],
        eps=module.eps,
        momentum=module.momentum or 0.0,
        training=module.training,
    )


def _normalised(x: Tensor, norm: _Norm, rows: Rows, shortcut: Tensor | None = None) -> Tensor:
    """ReLU of batch norm of (M, N, c, H, W), plus a shortcut; zero where padded."""
    scale, shift = norm.scale_and_shift(x, rows)
    y = torch.addcmul(shift[..., None, None], x, scale[..., None, None]).to(x.dtype)
    if shortcut is not None:
        y = y + shortcut
    return F.relu(y) * rows.mask[:, :, None, None, None].to(y.dtype)


def _convolve(x: Tensor, weight: Tensor, stride: int = 1) -> Tensor:
    """(M, N, in, H, W) by (N, out, in, h, w) → (M, N, out, H/stride, W/stride)."""
    if x.is_cuda and (stride > 1 or weight.shape[3] == 1):
        return convolve_unfolded(x, weight, stride)
    joined = x.flatten(1, 2).contiguous(memory_format=torch.channels_last)
    padding, groups = weight.shape[3] // 2, weight.shape[0]
    out = F.conv2d(joined, weight.flatten(0, 1), None, stride, padding, groups=groups)
    return out.unflatten(1, (groups, -1))


def convolve_unfolded(x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """The same as one matrix product a branch, of all windows laid out in memory.

    For a convolution with a stride, or of one pixel, cuDNN's grouped kernels took most of a step
    on an H100; the others were fast.
    """
    (rows, branches, _, height, width), side = x.shape, weight.shape[3]
    last = F.pad(x.permute(1, 0, 3, 4, 2), (0, 0, *(side // 2,) * 4))  # (N, M, H + 2, W + 2, in)
    high, wide = -(-height // stride), -(-width // stride)
    windows = torch.cat(
        [
            last[:, :, top : top + height : stride, left : left + width : stride]
            for top in range(side)
            for left in range(side)
        ],
        dim=-1,
    )  # (N, M, H', W', h · w · in)
    kernels = weight.permute(0, 3, 4, 2, 1).flatten(1, 3)  # (N, h · w · in, out)
    found = torch.bmm(windows.flatten(1, 3), kernels.to(windows.dtype))
    return found.view(branches, rows, high, wide, -1).permute(1, 0, 4, 2, 3)


def basic_block(
    x: Tensor, rows: Rows, weights: tuple[Tensor, Tensor], norms: tuple[_Norm, _Norm],
    stride: int, new_channels: int,
) -> Tensor:  # fmt: skip
    """What `BasicBlock` computes, of N branches."""
    out = _normalised(_convolve(x, weights[0], stride), norms[0], rows)
    out = _convolve(out, weights[1])
    past = x[..., ::stride, ::stride] if stride > 1 else x
    if new_channels:
        past = F.pad(past, (0, 0, 0, 0, 0, new_channels))
    return _normalised(out, norms[1], rows, past)


def dense_layer(x: Tensor, rows: Rows, weight: Tensor, norm: _Norm) -> Tensor:
    """What `DenseLayer` computes, of N branches."""
    return torch.cat([x, _convolve(_normalised(x, norm, rows), weight)], dim=2)


def transition(x: Tensor, rows: Rows, weight: Tensor, norm: _Norm) -> Tensor:
    """What `Transition` computes, of N branches."""
    out = _convolve(_normalised(x, norm, rows), weight)
    return F.avg_pool2d(out.flatten(1, 2), 2).unflatten(1, out.shape[1:3])


def _residual(body: PooledStage, stack: Stack, x: Tensor, rows: Rows) -> Tensor:
    for name, block in _parts(body.stage3, "body.stage3"):
        assert isinstance(block, BasicBlock), "a residual stage holds nothing else"
        weights = stack[f"{name}.conv1.weight"], stack[f"{name}.conv2.weight"]
        norms = _norm(stack, f"{name}.bn1", block.bn1), _norm(stack, f"{name}.bn2", block.bn2)
        x = _RUN[basic_block](x, rows, weights, norms, block.stride, block.new_channels)
    return x


def _dense(body: DenseBody, stack: Stack, x: Tensor, rows: Rows) -> Tensor:
    parts = [("body.transition2", body.transition2), *_parts(body.block3, "body.block3")]
    for name, part in parts:
        assert isinstance(part, DenseLayer | Transition), "a dense body holds nothing else"
        run = transition if isinstance(part, Transition) else dense_layer
        x = _RUN[run](x, rows, stack[f"{name}.conv.weight"], _norm(stack, f"{name}.bn", part.bn))
    return _normalised(x, _norm(stack, "body.bn", body.bn), rows)


def _parts(parts: nn.Sequential, name: str) -> Iterator[tuple[str, nn.Module]]:
    return ((f"{name}.{own}", part) for own, part in parts.named_children())


_PARTS: tuple[Callable[..., Tensor], ...] = (basic_block, dense_layer, transition)
_RUN: dict[Callable[..., Tensor], Callable[..., Tensor]] = {part: part for part in _PARTS}


def compile_stacked() -> None:
    """Compile what branches are made of, each part once for all places where it stands."""
    for part in _PARTS:
        _RUN[part] = torch.compile(part, dynamic=False)
