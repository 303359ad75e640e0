"""Eager: torch on a CPU, batch norm folded, each branch on its own rows."""

from __future__ import annotations

from hydranet.engines.folded.network import folded_pieces
from hydranet.engines.pytorch import TorchEngine
from hydranet.models.network import Network

WAY = "loop"


def eager_engine(model: Network, *, threads: int = 1, way: str = WAY) -> TorchEngine:
    """For a network from `hydranet.load`, which is left as it is.

    `way`: how branches run, one of `hydranet.engines.folded.branches.WAYS`.

    Raises:
        InputError: there is no such way.
    """
    return TorchEngine("eager", model, folded_pieces(model, way=way), threads=threads)
