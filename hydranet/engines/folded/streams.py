"""Several functions of the device side by side: each a chain of small kernels that fill no GPU.

In a CUDA graph they become chains beside each other. On a CPU they run one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor

_STREAMS = 8


def side_by_side(functions: Sequence[Callable[[], Tensor]], *, on_gpu: bool) -> list[Tensor]:
    """What each gives. What they read must be kept until this returns."""
    if not on_gpu:
        return [function() for function in functions]
    here, streams = torch.cuda.current_stream(), _streams()
    found = []
    for stream in streams:
        stream.wait_stream(here)
    for index, function in enumerate(functions):
        with torch.cuda.stream(streams[index % len(streams)]):
            found.append(function())
    for stream in streams:
        here.wait_stream(stream)
    return found


@cache
def _streams() -> list[torch.cuda.Stream]:
    return [torch.cuda.Stream() for _ in range(_STREAMS)]
