"""A step's forward and backward recorded once as a CUDA graph and then replayed.

A step of a small network is some hundred launches, and launching them takes longer than running
them. A replay launches them at once, from inputs to gradients. It needs shapes that do not depend
on what is computed, and a device that is never waited for.
Source: "CUDA semantics", section "Whole-network capture", of PyTorch's documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import torch
from torch import Tensor

from hydranet.data.batches import Batch

WARM_UP = 5
"""Steps before the recording, in which libraries choose their kernels and code is compiled."""


class Recording:
    """Of a function of a batch and of the share of training that is done, which leaves gradients.

    What the function returns is valid until the next call.
    """

    def __init__(self) -> None:
        self._key: Hashable = None
        self._steps = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: tuple[Tensor, ...] = ()
        self._found: Any = None

    def __call__(
        self,
        function: Callable[[Batch, Any], Any],
        batch: Batch,
        done: float,
        key: Hashable,
    ) -> Any:
        """What `function` gives. Another `key` or shape says that it computes something else now,
        and has to be recorded anew."""
        key = (key, tuple(part.shape for part in batch))
        if key != self._key:
            self._key, self._steps, self._graph, self._found = key, 0, None, None
        with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=True):
            if self._steps < WARM_UP:
                self._steps += 1
                return self._warm_up(function, batch, done)
            if self._graph is None:
                self._record(function, batch)
        assert self._graph is not None, "it was recorded just now"
        for own, given in zip(self._inputs, batch, strict=False):
            own.copy_(given)
        self._inputs[-1].fill_(done)
        self._graph.replay()
        return self._found

    def _warm_up(self, function: Callable[[Batch, Any], Any], batch: Batch, done: float) -> Any:
        """An ordinary step, on a stream beside the usual one, as a recording is."""
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            found = function(batch, torch.tensor(done, device=batch.images.device))
        torch.cuda.current_stream().wait_stream(side)
        return found

    def _record(self, function: Callable[[Batch, Any], Any], batch: Batch) -> None:
        done = torch.zeros((), device=batch.images.device)
        self._inputs = (*(part.clone() for part in batch), done)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._found = function(Batch(*self._inputs[:-1]), done)
        self._graph = graph


def can_record(device: torch.device, *, processes: int, execution: str | None) -> bool:
    """Whether steps can be recorded: by one process on a GPU, of a static network (`execution`
    None) or of branches in buckets."""
    return device.type == "cuda" and processes == 1 and execution in (None, "buckets")
