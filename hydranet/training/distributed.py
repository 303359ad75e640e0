"""Training shared by several processes: `torchrun --nproc-per-node N -m hydranet train …`.

Every process takes its part of each batch, and PyTorch's DistributedDataParallel averages the
gradients: over gloo on CPUs, over NCCL on GPUs. The batches are those of a single process, in the
same order and with the same crops; the first process alone validates, saves and reports.

The gradients are those of a single process but for what looks at a batch as a whole. Batch norm
takes its statistics over a process's own part, and keeps those of the first process; synchronised
batch norm would wait for ever where a branch fires in one process and not in another. The branch
and the load-balance losses are averaged over the parts too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from hydranet.models.hydra import HydraNet


@dataclass(frozen=True)
class World:
    """The processes that train together, seen from the one numbered `rank` of `size`."""

    rank: int = 0
    size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that validates, saves and reports."""
        return self.rank == 0

    def wrap(self, model: nn.Module, device: torch.device) -> nn.Module:
        """`model`, with gradients that are averaged over the processes in each backward."""
        if self.size == 1:
            return model
        # A branch that no image fires gets no gradient; without the search that is an error.
        return DistributedDataParallel(
            model,
            device_ids=[device] if device.type == "cuda" else None,
            find_unused_parameters=isinstance(model, HydraNet),
        )

    def sum(self, value: Tensor) -> Tensor:
        """The sum over the processes."""
        if self.size > 1:
            value = value.clone()
            dist.all_reduce(value)
        return value

    def from_main(self, make: Callable[[], float], device: torch.device) -> float:
        """What `make` gives in the first process, which alone calls it."""
        value = torch.tensor(make() if self.is_main else 0.0, dtype=torch.float64, device=device)
        if self.size > 1:
            dist.broadcast(value, src=0)
        return float(value)

    def wait(self) -> None:
        """Go on when all processes are here."""
        if self.size > 1:
            dist.barrier()


def is_launched() -> bool:
    """Whether torchrun started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def local_device(kind: str) -> torch.device:
    """This process's device: of the GPUs of its machine the one with its number there."""
    if kind != "cuda":
        return torch.device(kind)
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


@contextmanager
def join_world(device: torch.device) -> Iterator[World]:
    """The world that torchrun describes, left again at the end; without torchrun a world of one."""
    if not is_launched():
        yield World()
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    joined_before = dist.is_initialized()
    if not joined_before:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield World(dist.get_rank(), dist.get_world_size())
    finally:
        if not joined_before:
            dist.destroy_process_group()
