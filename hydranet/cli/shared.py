"""What several commands share: options, output, device."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from hydranet.errors import InputError

if TYPE_CHECKING:
    import torch

    from hydranet.engines import Engine

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object to standard output, nothing else.")
]
DataOption = Annotated[
    Path,
    typer.Option(
        "--data",
        envvar="HYDRANET_DATA",
        help="Folder of the data set: Parquet, torchvision's CIFAR, a folder for each class, or "
        "WebDataset shards, also as a pattern: 'shards/train-{000000..000009}.tar'.",
    ),
]
DownloadOption = Annotated[
    str | None,
    typer.Option(help="cifar10 or cifar100: let torchvision fetch it into --data first."),
]
SkipOption = Annotated[
    bool,
    typer.Option(
        "--skip-unreadable",
        help="Leave out files of class folders or shards that cannot be read, instead of stopping.",
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Processes that read and decode shards: on a GPU as many as there are cores for each "
        "process that trains, else one, unless given. The result does not depend on it.",
    ),
]
RootOption = Annotated[
    Path | None, typer.Option("--checkpoints", help="Folder that holds the checkpoints.")
]
DeviceOption = Annotated[str, typer.Option(help="cpu, cuda, or auto: a GPU where there is one.")]
EngineOption = Annotated[
    str,
    typer.Option(
        "--engine",
        help="auto, reference, eager, onnx, int8 or cuda; auto is the fastest that runs here in "
        "single precision, int8 is for networks that hydranet quantise has prepared.",
    ),
]
ThreadsOption = Annotated[
    int | None, typer.Option(min=1, help="Threads on the CPU; all cores unless given.")
]

_errors = Console(stderr=True)


def print_json(data: dict[str, Any]) -> None:
    """One JSON object to standard output."""
    print(json.dumps(data, ensure_ascii=False))


def checkpoints_root(root: Path | None) -> Path:
    """The folder that was named, or the usual one."""
    from hydranet.checkpoints import CHECKPOINTS

    return CHECKPOINTS if root is None else root


def pick_device(device: str, threads: int | None) -> torch.device:
    """The device that was asked for, with the CPU's threads set.

    Raises:
        InputError: it is unknown or not there.
    """
    import torch

    if device not in ("auto", "cpu", "cuda"):
        raise InputError(f"The device must be auto, cpu or cuda, not {device!r}.")
    has_gpu = torch.cuda.is_available()
    if device == "cuda" and not has_gpu:
        raise InputError("There is no CUDA device on this machine. Use --device cpu.")
    torch.set_num_threads(threads or os.cpu_count() or 1)
    return torch.device("cuda" if has_gpu and device != "cpu" else "cpu")


def say_what_int8_costs(engine: Engine) -> None:
    """On standard error, where that engine was chosen."""
    if engine.name == "int8" and engine.card.int8 is not None:
        print(engine.card.int8.words(routed=engine.card.costs.num_branches > 0), file=sys.stderr)


def reading_workers(workers: int | None, device: str, sharing: int = 1) -> int:
    """How many processes read shards for each of `sharing` processes on a device (cpu, cuda): one
    beside a CPU, which computes far longer than it decodes, the cores there are beside a GPU."""
    if workers is not None:
        return workers
    return min(max((os.cpu_count() or 1) // sharing, 1), 16) if device == "cuda" else 1


@contextmanager
def progress_bar(*columns: str) -> Iterator[Progress]:
    """A bar on standard error with the time left and the given text columns behind it."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        *(TextColumn(column) for column in columns),
        console=_errors,
    ) as bar:
        yield bar
