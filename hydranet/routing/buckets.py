"""Which place a fired branch's image takes among all that fire it, on any device, without a look by
the host: what buckets of one size, one for each branch, are filled by."""

from __future__ import annotations

import torch
from torch import Tensor


def rows_of_branches(fired: Tensor, branches: int) -> tuple[Tensor, Tensor]:
    """`fired`: (B, k) branches, `PADDING` where none. Returns (B·k,), how many slots before each
    fire the same branch, anything where none fires, and (N,), how many fire each branch.

    Examples:
        >>> rows, counts = rows_of_branches(torch.tensor([[2, 0], [2, 1], [0, -1]]), 3)
        >>> rows[:5].tolist(), counts.tolist()
        ([0, 0, 1, 0, 1], [2, 1, 2])
    """
    slots = fired.flatten()
    fires = slots == torch.arange(branches, device=slots.device)[:, None]  # (N, B·k)
    so_far = fires.cumsum(dim=1)  # along rows, which a GPU adds up in parallel
    return so_far.gather(0, slots.clamp(min=0)[None])[0] - 1, so_far[:, -1]
