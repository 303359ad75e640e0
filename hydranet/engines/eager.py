"""Eager: torch on a CPU, batch norm folded, each branch on its own rows.

A network whose layers nobody has folded, as one on a library's classifier, runs its own modules.
"""

from __future__ import annotations

from hydranet.engines.folded.families import is_folded
from hydranet.engines.folded.network import folded_pieces
from hydranet.engines.pytorch import TorchEngine
from hydranet.engines.reference import own_pieces
from hydranet.models.network import Network

WAY = "loop"


def eager_engine(model: Network, *, threads: int = 1, way: str = WAY) -> TorchEngine:
    """For a network from `hydranet.load`, which is left as it is.

    `way`: how branches run, one of `hydranet.engines.folded.branches.WAYS`.

    Raises:
        InputError: there is no such way.
    """
    folded = is_folded(model.config.static)
    pieces = folded_pieces(model, way=way) if folded else own_pieces(model, conditional=True)
    return TorchEngine("eager", model, pieces, threads=threads)
