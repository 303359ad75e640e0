"""A function of tensors that is recorded once for each shape of its input and then replayed.

A replay launches all kernels of the function at once, where calling it launches some hundred, one
after the other from Python. Only on a GPU: on a CPU the function is called. Recordings share one
pool of memory, which is sound because none runs while another does, and what one gives is copied
away before the next begins; so only one thread at a time may record or replay.
Source: "CUDA semantics", section "CUDA Graphs", of PyTorch's documentation.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

_WARM_UP = 3
_KEPT = 16

Tensors = tuple[Tensor, ...]
T = TypeVar("T")


class Recorded:
    """`function`, which reads tensors that stay where they are, on the current device.

    It is called before it is recorded, so that libraries choose their kernels; cuDNN tries which is
    fastest. What it gives is overwritten by the next call.
    """

    def __init__(self, function: Callable[[], Tensors]) -> None:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False):
            with torch.cuda.stream(side):
                for _ in range(_WARM_UP):
                    function()
            torch.cuda.current_stream().wait_stream(side)
            self._graph = torch.cuda.CUDAGraph()
            # Other threads may use the GPU for something else in the meantime.
            with torch.cuda.graph(self._graph, pool=_pool(), capture_error_mode="thread_local"):
                self._outputs = function()

    def __call__(self) -> Tensors:
        """What `function` gives, always in the same memory."""
        self._graph.replay()
        return self._outputs


class Kept(Generic[T]):
    """The last few that were used, of things that hold memory on the device."""

    def __init__(self) -> None:
        self._things: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The one kept under `key`, made if there is none."""
        if key not in self._things:
            if len(self._things) == _KEPT:
                self._things.popitem(last=False)
            self._things[key] = make()
        self._things.move_to_end(key)
        return self._things[key]

    def forget(self, key: Hashable) -> None:
        """Let go of the one kept under `key`."""
        self._things.pop(key, None)


class Graphed:
    """`function`, with shapes that its inputs' shapes alone decide."""

    def __init__(self, function: Callable[..., Tensors]) -> None:
        self._function = function
        self._kept: Kept[_WithInputs] = Kept()

    def __call__(self, *inputs: Tensor) -> Tensors:
        """What `function` gives, in memory of its own."""
        if inputs[0].device.type != "cuda":
            return self._function(*inputs)
        shapes = tuple(x.shape for x in inputs)
        return self._kept.get(shapes, lambda: _WithInputs(self._function, inputs)).replay(inputs)


class _WithInputs:
    def __init__(self, function: Callable[..., Tensors], inputs: Tensors) -> None:
        self._inputs = [x.clone() for x in inputs]
        self._recorded = Recorded(lambda: function(*self._inputs))

    def replay(self, inputs: Tensors) -> Tensors:
        for own, given in zip(self._inputs, inputs, strict=True):
            own.copy_(given)
        return tuple(output.clone() for output in self._recorded())


def _pool() -> Any:  # its type is private
    return _first().pool()


@cache
def _first() -> torch.cuda.CUDAGraph:
    """A recording that is never let go of: the pool would end with its last one."""
    torch.zeros(1, device="cuda")
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        torch.zeros(1, device="cuda")
    return graph
