"""Why a network answers as it does: attributions, stability, feature maps, Shapley values.

Resolved on first use. Captum is imported only when an attribution is made.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hydranet.explain.attributions import Attribution, attribute, estimate_seconds
    from hydranet.explain.errors import Cancelled
    from hydranet.explain.methods import METHODS
    from hydranet.explain.targets import (
        BranchShare,
        ClassLogit,
        GateMargin,
        GateScore,
        Target,
        gate_margin,
    )

_HOMES = {
    "Attribution": "attributions",
    "BranchShare": "targets",
    "Cancelled": "errors",
    "ClassLogit": "targets",
    "GateMargin": "targets",
    "GateScore": "targets",
    "METHODS": "methods",
    "Target": "targets",
    "attribute": "attributions",
    "estimate_seconds": "attributions",
    "gate_margin": "targets",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hydranet.explain' has no attribute {name!r}")
    return getattr(import_module(f"hydranet.explain.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
