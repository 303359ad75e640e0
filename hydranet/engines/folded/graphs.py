"""A function of tensors that is recorded once for each shape of its input and then replayed.

A replay launches all kernels of the function at once, where calling it launches some hundred, one
after the other from Python. Only on a GPU: on a CPU the function is called.
Source: "CUDA semantics", section "CUDA Graphs", of PyTorch's documentation.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor

_WARM_UP = 3
_KEPT = 16


class Graphed:
    """`function`, with shapes that its inputs' shapes alone decide.

    On a GPU not to be called by two threads at once: a recording has one set of inputs and outputs.
    """

    def __init__(self, function: Callable[..., tuple[Tensor, ...]]) -> None:
        self._function = function
        self._recorded: OrderedDict[tuple[torch.Size, ...], _Recording] = OrderedDict()

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """What `function` gives, in memory of its own."""
        if inputs[0].device.type != "cuda":
            return self._function(*inputs)
        shapes = tuple(x.shape for x in inputs)
        if shapes not in self._recorded:
            if len(self._recorded) == _KEPT:  # each holds memory on the device
                self._recorded.popitem(last=False)
            self._recorded[shapes] = _Recording(self._function, inputs)
        self._recorded.move_to_end(shapes)
        return self._recorded[shapes].replay(inputs)


class _Recording:
    def __init__(
        self, function: Callable[..., tuple[Tensor, ...]], inputs: tuple[Tensor, ...]
    ) -> None:
        self._inputs = [x.clone() for x in inputs]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):  # libraries choose their kernels before the recording
            for _ in range(_WARM_UP):
                function(*self._inputs)
        torch.cuda.current_stream().wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._outputs = function(*self._inputs)

    def replay(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        for own, given in zip(self._inputs, inputs, strict=True):
            own.copy_(given)
        self._graph.replay()
        return tuple(output.clone() for output in self._outputs)
