"""Engines: what runs a stored network for inference. Light until one is opened."""

from __future__ import annotations

from importlib.util import find_spec

from hydranet.checkpoints import Checkpoint
from hydranet.engines.engine import Engine, Outputs, answers
from hydranet.errors import InputError

__all__ = ["ENGINES", "Engine", "Outputs", "answers", "choose_engine", "open_engine"]

ENGINES = ("reference", "eager")
"""All engines, the slow and obvious one first."""

AUTO = "auto"


def choose_engine(name: str = AUTO) -> str:
    """The engine that `name` stands for on this machine; "auto" is the fastest that runs here.

    Raises:
        InputError: there is none of that name, or a package that it needs is not installed.
    """
    if name == AUTO:
        return "eager"
    if name not in ENGINES:
        raise InputError(
            f"There is no engine named {name!r}. The names are: {AUTO}, {', '.join(ENGINES)}."
        )
    if find_spec("torch") is None:
        raise InputError(
            f"The engine {name} needs torch, which is not installed. Install it with: "
            "pip install torch"
        )
    return name


def open_engine(checkpoint: Checkpoint, name: str = AUTO, *, threads: int = 1) -> Engine:
    """An engine for the network of a checkpoint, on `threads` threads a call.

    Raises:
        InputError: see `choose_engine`; or the weights are damaged.
    """
    name = choose_engine(name)
    from hydranet.engines.pytorch import TorchEngine

    return TorchEngine(checkpoint, name, threads=threads)
