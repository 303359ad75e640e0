"""Eager: torch on a CPU, batch norm folded; branches in a loop or gathered, whichever is faster.

A network whose layers nobody has folded, as one on a library's classifier, runs its own modules.
"""

from __future__ import annotations

from hydranet.engines.folded.branches import AUTO
from hydranet.engines.folded.families import is_folded
from hydranet.engines.folded.network import folded_pieces
from hydranet.engines.pytorch import TorchEngine
from hydranet.engines.reference import own_pieces
from hydranet.models.network import Network


def eager_engine(model: Network, *, threads: int = 1, way: str = AUTO) -> TorchEngine:
    """For a network from `hydranet.load`, which is left as it is.

    `way`: how branches run, see `hydranet.engines.folded.branches`.

    Raises:
        InputError: there is no such way.
    """
    folded = is_folded(model.config.static)
    pieces = folded_pieces(model, way=way) if folded else own_pieces(model, conditional=True)
    return TorchEngine("eager", model, pieces, threads=threads)
