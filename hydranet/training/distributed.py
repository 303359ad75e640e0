"""Training shared by several processes: `torchrun --nproc-per-node N -m hydranet train …`.

Every process takes its part of each batch, and PyTorch's DistributedDataParallel averages the
gradients: over gloo on CPUs, over NCCL on GPUs. Of images in memory the batches are those of a
single process, in the same order and with the same crops; of streamed ones each process reads its
own share. All validate, the first process alone saves and reports. Where one process is lost,
`--max-restarts` of torchrun starts all again, and they go on from the last whole epoch.

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
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch._C._distributed_c10d import PrefixStore, TCPStore  # as torch.distributed has them
from torch.nn.parallel import DistributedDataParallel

from hydranet.errors import InputError
from hydranet.models.dynamic import DynamicNetwork

T = TypeVar("T")

PATIENCE = timedelta(hours=4)
"""How long a process waits for the others: the first alone looks at streamed images and measures
the finished network. One that is lost is not waited for, since torchrun ends the rest."""


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
            find_unused_parameters=isinstance(model, DynamicNetwork),
        )

    def sum(self, value: Tensor) -> Tensor:
        """The sum over the processes."""
        if self.size > 1:
            value = value.clone()
            dist.all_reduce(value)
        return value

    def share(self, make: Callable[[], T]) -> T:
        """What `make` gives in the first process, which alone calls it; an InputError is raised in
        all of them."""
        if self.size == 1:
            return make()
        box: list[Any] = [None]
        if self.is_main:
            try:
                box = [make()]
            except InputError as error:
                box = [error]
        dist.broadcast_object_list(box, src=0)
        if isinstance(box[0], InputError):
            raise box[0]
        return box[0]

    def agree(self, value: int) -> bool:
        """Whether all processes have the same value."""
        values = [value] * self.size
        if self.size > 1:
            dist.all_gather_object(values, value)
        return len(set(values)) == 1

    def share_buffers(self, model: nn.Module) -> None:
        """Give every process the first one's buffers, such as the statistics of batch norm."""
        if self.size > 1:
            for buffer in model.buffers():
                dist.broadcast(buffer, src=0)

    def wait(self) -> None:
        """Go on when all processes are here."""
        if self.size > 1:
            dist.barrier()


def is_launched() -> bool:
    """Whether torchrun started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def is_restarted() -> bool:
    """Whether torchrun started this process again, after one of its world was lost."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


def local_processes() -> int:
    """How many processes of the world torchrun started on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def local_device(kind: str) -> torch.device:
    """This process's device: of the GPUs of its machine the one with its number there."""
    if kind != "cuda":
        return torch.device(kind)
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def _join(backend: str) -> None:
    """Meet the other processes that torchrun started.

    On one machine they meet under the number of the start: torchrun may keep what processes told
    one another for those that it starts later, which would then call at addresses of the lost. On
    several machines that number may differ; TORCH_DISABLE_SHARE_RDZV_TCP_STORE helps there.
    """
    if local_processes() != int(os.environ["WORLD_SIZE"]) or not is_restarted():
        dist.init_process_group(backend, timeout=PATIENCE)
        return
    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    kept = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    store = TCPStore(host, port, size, is_master=rank == 0 and not kept, timeout=PATIENCE)
    start = PrefixStore(f"start {os.environ['TORCHELASTIC_RESTART_COUNT']}", store)
    dist.init_process_group(backend, store=start, rank=rank, world_size=size, timeout=PATIENCE)


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
        _join("nccl" if device.type == "cuda" else "gloo")
    try:
        yield World(dist.get_rank(), dist.get_world_size())
    finally:
        if not joined_before:
            dist.destroy_process_group()
