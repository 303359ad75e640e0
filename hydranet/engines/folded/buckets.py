"""Buckets of one size, one for each branch: which image goes where, worked out on the device.

No shape depends on who fired and nothing is read by the host, so that it can be part of a CUDA
graph. What finds its bucket full is left out; `most` says so, and the host asks again for more.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from hydranet.routing.arrays import PADDING
from hydranet.routing.buckets import rows_of_branches


class Buckets(NamedTuple):
    """`images`: (capacity, N), which image each branch runs in each of its places, image 0 where
    none does; `cell`: (B·k,), where in the flattened places what fired lies; `inside`: (B·k,),
    whether it does; `most`: (), how many images fire the most wanted branch."""

    images: Tensor
    cell: Tensor
    inside: Tensor
    most: Tensor

    def features(self, found: Tensor) -> Tensor:
        """(capacity, N, D) → (B·k, D), zero where nothing ran."""
        cells = found.flatten(0, 1)  # (capacity·N, D)
        last = len(cells) - 1
        return cells[self.cell.clamp(max=last)].masked_fill(~self.inside[:, None], 0)


def in_buckets(fired: Tensor, *, branches: int, capacity: int) -> Buckets:
    """Of (B, k) branches, `PADDING` where none."""
    slots = fired.flatten()  # (B·k,)
    device, nowhere = slots.device, capacity * branches
    place, count = rows_of_branches(fired, branches)
    inside = (slots != PADDING) & (place < capacity)
    cell = (place * branches + slots).masked_fill(~inside, nowhere)
    image = torch.arange(len(slots), device=device) // fired.shape[1]
    images = torch.zeros(nowhere + 1, dtype=torch.int64, device=device)  # the last is for the rest
    images.scatter_(0, cell, image)
    return Buckets(images[:nowhere].view(capacity, branches), cell, inside, most=count.max())


def likely_capacity(*, images: int, k: int, branches: int) -> int:
    """Places that are enough where B images fire branches about evenly: the mean load and three of
    its standard deviations, at most B."""
    mean = images * k / branches
    return min(images, math.ceil(mean + 3 * math.sqrt(mean)))


def larger_capacity(capacity: int, *, most: int, images: int) -> int:
    """Doubled until `most` find a place, at most B."""
    while capacity < most:
        capacity *= 2
    return min(images, capacity)
