"""Engines by name, with the way that branches run behind a colon: "eager", "cuda:buckets"; on a GPU
what its library is asked for may follow: "cuda:buckets,channels_last,fused"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hydranet.checkpoints import Checkpoint, load_model
from hydranet.engines import ENGINES, Engine, choose_engine, open_engine
from hydranet.errors import InputError

if TYPE_CHECKING:
    from hydranet.engines.folded.layers import Kernels

WITH_WAYS = ("eager", "cuda")
KERNELS = ("channels_last", "fused", "apart")
"""See `hydranet.engines.folded.layers.Kernels`."""


def engines_here() -> list[str]:
    """The engines that run on this machine, without the slow reference."""
    return [name for name in ENGINES if name != "reference" and _runs(name)]


def _runs(name: str) -> bool:
    try:
        choose_engine(name)
    except InputError:
        return False
    return True


def open_variant(checkpoint: Checkpoint, variant: str) -> Engine:
    """The engine of a network that `variant` names, on one thread.

    Raises:
        InputError: there is no such engine or way, or it does not run this network here.
    """
    name, colon, way = variant.partition(":")
    if not colon:
        return open_engine(checkpoint, name)
    if name not in WITH_WAYS:
        raise InputError(
            f"Only {' and '.join(WITH_WAYS)} run branches in several ways, not {name!r}."
        )
    choose_engine(name)
    if name == "eager":
        from hydranet.engines.eager import eager_engine

        return eager_engine(load_model(checkpoint), way=way)
    from hydranet.engines.cuda import CudaEngine

    way, kernels = kernels_of(way)
    return CudaEngine(load_model(checkpoint), way=way, kernels=kernels)


def kernels_of(way: str) -> tuple[str, Kernels]:
    """The way of "buckets,channels_last,fused", and what a GPU's library is asked for.

    Raises:
        InputError: there is no such kernel.
    """
    from hydranet.engines.folded.layers import Kernels

    way, *words = way.split(",")
    if wrong := [word for word in words if word not in KERNELS]:
        raise InputError(f"Kernels can be {', '.join(KERNELS)}, not {wrong[0]!r}.")
    return way, Kernels(
        channels_last="channels_last" in words, fused="fused" in words, apart="apart" in words
    )
