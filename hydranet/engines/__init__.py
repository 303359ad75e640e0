"""Engines: what runs a stored network for inference. Light until one is opened."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from hydranet.checkpoints import Checkpoint, load_model
from hydranet.config import DenseNetConfig, ResNetConfig
from hydranet.engines.engine import Engine, Outputs, answers
from hydranet.errors import InputError

__all__ = [
    "ENGINES",
    "Engine",
    "Outputs",
    "answers",
    "choose_engine",
    "engine_for",
    "has_gpu",
    "open_engine",
]

ENGINES = ("reference", "eager", "onnx", "int8", "cuda")
"""All engines, the slow and obvious one first. int8 alone does not give the reference's numbers: it
runs networks that have been quantised, and is never chosen by itself."""

AUTO = "auto"
_LAID_OUT = ("onnx", "int8", "cuda")

_NEEDS = {
    "reference": ("torch",),
    "eager": ("torch",),
    "onnx": ("onnx", "onnxruntime"),
    "int8": ("onnx", "onnxruntime"),
    "cuda": ("torch",),
}
_NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")


def choose_engine(name: str = AUTO, *, gpu: bool = True) -> str:
    """The engine that `name` stands for on this machine; "auto" is the fastest that runs here,
    without `gpu` the fastest on a CPU.

    Where there is a GPU that is cuda, for one image too: Hydra-Res-d2 took 0.58 ms on an NVIDIA
    H100, ResNet-56 0.98, with onnx 0.97 and 1.91 on a core of an Intel Xeon. Measured on two
    machines, and no smaller network on the GPU: see `docs/performance.md`.

    Raises:
        InputError: there is none of that name, or a package that it needs is not installed.
    """
    if name == AUTO:
        return "cuda" if gpu and has_gpu() else "eager" if _missing("onnx") else "onnx"
    if name not in ENGINES:
        raise InputError(
            f"There is no engine named {name!r}. The names are: {AUTO}, {', '.join(ENGINES)}."
        )
    if missing := _missing(name):
        raise InputError(
            f"The engine {name} needs {missing}, which is not installed. Install it with: "
            f"pip install {missing}"
        )
    if name == "cuda" and not has_gpu():
        raise InputError("The engine cuda needs a GPU that torch can use, and there is none here.")
    return name


def _missing(name: str) -> str:
    """The first package that an engine needs and that is not installed; empty where none is."""
    return next((package for package in _NEEDS[name] if find_spec(package) is None), "")


def has_gpu() -> bool:
    """Whether torch can use a GPU; without importing it where there is no driver for one."""
    if not _NVIDIA_DRIVER.exists() or _missing("cuda"):
        return False
    import torch

    return torch.cuda.is_available()


def engine_for(checkpoint: Checkpoint, name: str = AUTO, *, gpu: bool = True) -> str:
    """The engine that `name` stands for with the network of a checkpoint; see `choose_engine`.

    Engines that lay out layers themselves know those of ResNet and DenseNet; "auto" is eager, which
    runs any network's own modules too, where they do not know a network's.

    Raises:
        InputError: see `choose_engine`; or the engine does not know the network's layers.
    """
    chosen = choose_engine(name, gpu=gpu)
    static = checkpoint.card.architecture.static
    if chosen not in _LAID_OUT or isinstance(static, ResNetConfig | DenseNetConfig):
        return chosen
    if name == AUTO:
        return choose_engine("eager")
    raise InputError(
        f"The engine {chosen} knows the layers of ResNet and DenseNet, not those of "
        f"{static.title}, on which {checkpoint.name} is built. Use eager."
    )


def open_engine(
    checkpoint: Checkpoint, name: str = AUTO, *, threads: int = 1, gpu: bool = True
) -> Engine:
    """An engine for the network of a checkpoint, on `threads` threads a call; for `name` and `gpu`
    see `engine_for`.

    Raises:
        InputError: see `engine_for`; or the weights are damaged.
    """
    name = engine_for(checkpoint, name, gpu=gpu)
    if name == "onnx":
        from hydranet.engines.onnx.program import open_runner
        from hydranet.engines.runner import RunnerEngine

        return RunnerEngine("onnx", checkpoint.card, open_runner(checkpoint, threads=threads))
    if name == "int8":
        from hydranet.engines.int8.engine import Int8Engine

        return Int8Engine(checkpoint, threads=threads)
    model = load_model(checkpoint)
    if name == "reference":
        from hydranet.engines.reference import reference_engine

        return reference_engine(model, threads=threads)
    if name == "eager":
        from hydranet.engines.eager import eager_engine

        return eager_engine(model, threads=threads)
    from hydranet.engines.cuda import CudaEngine

    return CudaEngine(model)
