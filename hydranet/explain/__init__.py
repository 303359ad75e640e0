"""Why a network answers as it does: attributions, stability, feature maps, Shapley values.

Resolved on first use. Captum is imported only when an attribution is made.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hydranet.explain.attributions import Attribution, attribute, estimate_seconds
    from hydranet.explain.branch_shapley import BranchValues, branch_values
    from hydranet.explain.dials import DIALS, Dial
    from hydranet.explain.errors import Cancelled
    from hydranet.explain.feature_maps import body_maps, branch_maps, gate_maps, stem_maps
    from hydranet.explain.methods import METHODS
    from hydranet.explain.shapley import SampledShapley, exact_shapley, sampled_shapley
    from hydranet.explain.stability_strip import StabilityStrip, stability
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
    "BranchValues": "branch_shapley",
    "Cancelled": "errors",
    "ClassLogit": "targets",
    "DIALS": "dials",
    "Dial": "dials",
    "GateMargin": "targets",
    "GateScore": "targets",
    "METHODS": "methods",
    "SampledShapley": "shapley",
    "StabilityStrip": "stability_strip",
    "Target": "targets",
    "attribute": "attributions",
    "body_maps": "feature_maps",
    "branch_maps": "feature_maps",
    "branch_values": "branch_shapley",
    "estimate_seconds": "attributions",
    "exact_shapley": "shapley",
    "gate_maps": "feature_maps",
    "gate_margin": "targets",
    "sampled_shapley": "shapley",
    "stability": "stability_strip",
    "stem_maps": "feature_maps",
}

# Written out, because a type checker reads it and does not run it.
__all__ = [
    "Attribution",
    "BranchShare",
    "BranchValues",
    "Cancelled",
    "ClassLogit",
    "DIALS",
    "Dial",
    "GateMargin",
    "GateScore",
    "METHODS",
    "SampledShapley",
    "StabilityStrip",
    "Target",
    "attribute",
    "body_maps",
    "branch_maps",
    "branch_values",
    "estimate_seconds",
    "exact_shapley",
    "gate_maps",
    "gate_margin",
    "sampled_shapley",
    "stability",
    "stem_maps",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hydranet.explain' has no attribute {name!r}")
    return getattr(import_module(f"hydranet.explain.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
