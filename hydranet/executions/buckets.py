"""Conditional execution in fixed shapes: every branch has a bucket for as many rows as any other.

A branch sees only the images that fire it, as in `eager`, and gives the same, gradients and batch
statistics too, as long as its bucket holds them. Nothing waits for the device and no shape depends
on the route, so that on a GPU a whole step of training can be recorded and replayed. In training a
bucket holds `CAPACITY` times the rows that a branch has on average; what it does not hold is
dropped, and counts as features of zero. Elsewhere it holds any route.
Source: the expert capacity of Switch Transformers, Fedus, Zoph, Shazeer, JMLR 2022, section 2.2.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from hydranet.routing.buckets import rows_of_branches
from hydranet.routing.routes import PADDING, Route

CAPACITY = 1.5
_MULTIPLE = 8


def capacity_of(images: int, k: int, branches: int) -> int:
    """How many rows a bucket holds in training: at most one for each image."""
    wanted = CAPACITY * images * k / branches
    return min(images, -(-int(wanted + 0.5) // _MULTIPLE) * _MULTIPLE)


def buckets(branches: nn.ModuleList, stem_features: Tensor, route: Route) -> Tensor:
    """Features of the fired branches: (B, k, D), zero where the route is padded."""
    from hydranet.executions.stacked import Rows, run_stacked, stack_of, write_back  # needs models

    (images, k), count = route.indices.shape, len(branches)
    capacity = capacity_of(images, k, count) if branches.training else images
    slot_in, place_of = fill(route.indices, count, capacity)
    mask = (slot_in >= 0).to(torch.float32).view(count, capacity).T  # (M, N)
    stack = stack_of(branches)
    last = stem_features.permute(0, 2, 3, 1)  # (B, H, W, c)
    table = _ToBuckets.apply(last.flatten(1), slot_in, place_of)  # (N·M, H·W·c)
    table = table.view(count, capacity, *last.shape[1:]).permute(1, 0, 4, 2, 3)
    found = run_stacked(branches, stack, table, Rows(mask, mask.sum(dim=0)))  # (M, N, D)
    if branches.training:
        write_back(branches, stack)
    return _FromBuckets.apply(found.transpose(0, 1).flatten(0, 1), place_of, slot_in)


def fill(fired: Tensor, branches: int, capacity: int) -> tuple[Tensor, Tensor]:
    """Which slot of (B, k) lies in which place of the buckets, and the other way.

    `fired`: (B, k) branches, `PADDING` where none. A place is `branch · capacity + row`, a slot
    `image · k + column`. Returns the slot in each place, (N · capacity,), and the place of each
    slot, (B, k); -1 where there is none.
    """
    images, k = fired.shape
    slots = fired.flatten()  # (B·k,)
    number = torch.arange(images * k, device=fired.device)
    row, _ = rows_of_branches(fired, branches)
    held = (slots != PADDING) & (row < capacity)
    place = torch.where(held, slots * capacity + row, branches * capacity)  # the last is dropped
    slot_in = torch.full((branches * capacity + 1,), -1, dtype=torch.int64, device=fired.device)
    slot_in.scatter_(0, place, number)
    return slot_in[:-1], torch.where(held, place, -1).view(images, k)


def _taken(values: Tensor, places: Tensor) -> Tensor:
    """Rows of (R, D) at any shape of places, and zeros where the place is -1."""
    return values[places.clamp(min=0)] * (places >= 0)[..., None].to(values.dtype)


class _ToBuckets(torch.autograd.Function):
    """Stem features (B, …) → the rows of all buckets. Backwards an image's gradient is the sum over
    its own k places, found without a search or an atomic addition."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, slot_in: Tensor, place_of: Tensor) -> Tensor:
        ctx.save_for_backward(place_of)
        image = torch.where(slot_in >= 0, slot_in // place_of.shape[1], len(features))
        return torch.cat([features, torch.zeros_like(features[:1])])[image]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (place_of,) = ctx.saved_tensors
        return _taken(grad, place_of).sum(dim=1), None, None


class _FromBuckets(torch.autograd.Function):
    """Features of all places, (places, D) → (B, k, D), zero where a slot has no place."""

    @staticmethod
    def forward(ctx: Any, found: Tensor, place_of: Tensor, slot_in: Tensor) -> Tensor:
        ctx.save_for_backward(slot_in)
        return _taken(found, place_of)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (slot_in,) = ctx.saved_tensors
        return _taken(grad.flatten(0, 1), slot_in), None, None
