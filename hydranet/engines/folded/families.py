"""Which files hold the folded layers of a family of networks, and run them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from torch import Tensor

from hydranet.config import ArchitectureConfig, DenseNetConfig, ResNetConfig
from hydranet.engines.folded import dense, residual
from hydranet.engines.folded.layers import Layer
from hydranet.errors import InputError

Run = Callable[[Sequence[Layer], Tensor], Tensor]


@dataclass(frozen=True)
class FoldedFamily:
    """How the parts of a family (`hydranet.models.families`) become layers, and how these run."""

    stem_layers: Callable[[Any], list[Layer]]
    body_layers: Callable[[Any], list[Layer]]
    run_stem: Run
    run_body: Run


def is_folded(static: ArchitectureConfig) -> bool:
    """Whether a static network's family has folded layers."""
    return isinstance(static, ResNetConfig | DenseNetConfig)


def folded_family(static: ArchitectureConfig) -> FoldedFamily:
    """Of a static network, of which HydraNets of its kind are made too.

    Raises:
        InputError: the family has no folded layers.
    """
    own: ModuleType
    match static:
        case ResNetConfig():
            own = residual
        case DenseNetConfig():
            own = dense
        case _:
            raise InputError(f"No folded layers are known for the family {static.family!r}.")
    return FoldedFamily(own.stem_layers, own.body_layers, own.run_stem, own.run_body)
