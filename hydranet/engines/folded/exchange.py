"""Between host and device: one copy there, one recorded function, one copy back, one wait.

On a GPU the host's side is pinned, so that copies need no copy of their own; it is written and read
only while nothing runs. On a CPU the same tensors are copied and the function is called.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hydranet.engines.folded.graphs import Recorded, Tensors

_ALIGNED = 16
_NUMBER = 4  # bytes of a threshold, and of a branch's number


class Request:
    """What is asked of B images, as a part of one buffer of bytes: `pixels` (B, side, side, 3);
    `fired` (B, slots) int32, and the `threshold` (1,) float32, where they are asked for."""

    def __init__(self, *, images: int, side: int, slots: int, device: str) -> None:
        self._shape, self._slots = (images, side, side, 3), (images, slots)
        head = _NUMBER * (1 + images * slots)
        self._head = head + -head % _ALIGNED
        size = self._head + images * side * side * 3
        self._device = torch.zeros(size, dtype=torch.uint8, device=device)
        self._host = torch.zeros(size, dtype=torch.uint8, pin_memory=self._device.is_cuda)
        numbers = self._host[: self._head].numpy()
        self._threshold = numbers[:_NUMBER].view(np.float32)
        self._fired = numbers[_NUMBER:head].view(np.int32).reshape(self._slots)
        self._pixels = self._host[self._head :].numpy().reshape(self._shape)

    def send(
        self, pixels: NDArray[np.uint8], fired: NDArray[np.integer] | None, threshold: float
    ) -> None:
        """To the device, in order with what runs there."""
        self._pixels[:] = pixels
        self._threshold[:] = threshold
        if fired is not None:
            self._fired[:] = fired
        self._device.copy_(self._host, non_blocking=True)

    @property
    def pixels(self) -> Tensor:
        """(B, side, side, 3) on the device."""
        return self._device[self._head :].view(self._shape)

    @property
    def fired(self) -> Tensor:
        """(B, slots) int32 on the device."""
        end = _NUMBER * (1 + self._slots[0] * self._slots[1])
        return self._device[_NUMBER:end].view(torch.int32).view(self._slots)

    @property
    def threshold(self) -> Tensor:
        """(1,) on the device."""
        return self._device[:_NUMBER].view(torch.float32)


class Exchange:
    """`function` of what a request holds on the device: it gives tensors, whose numbers are told in
    single precision; whole ones among them are below 2²⁴, and so exact."""

    def __init__(self, request: Request, function: Callable[[], Tensors]) -> None:
        self.request = request
        self._function = function
        self._parts: list[tuple[int, int, tuple[int, ...]]] = []  # from, to, shape
        self._run: Callable[[], Tensors] | None = None
        self._answer = torch.empty(0)

    def answers(self) -> list[NDArray[np.float32]]:
        """What the function gives of what was sent last, in memory of their own."""
        on_gpu = self.request.pixels.is_cuda
        if self._run is None:
            self._run = Recorded(self._packed) if on_gpu else self._packed
        (packed,) = self._run()
        if self._answer.shape != packed.shape:
            self._answer = torch.empty(packed.shape, pin_memory=on_gpu)
        self._answer.copy_(packed, non_blocking=True)
        if on_gpu:
            torch.cuda.current_stream().synchronize()
        numbers = self._answer.numpy().copy()
        return [numbers[start:end].reshape(shape) for start, end, shape in self._parts]

    def _packed(self) -> Tensors:
        parts = self._function()
        ends = list(accumulate(part.numel() for part in parts))
        shapes = (tuple(part.shape) for part in parts)
        self._parts = list(zip([0, *ends], ends, shapes, strict=False))
        return (torch.cat([part.flatten().float() for part in parts]),)
