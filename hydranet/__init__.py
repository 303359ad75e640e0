"""HydraNets: networks of which each input runs only a part.

The public API, resolved on first use, so that `import hydranet` loads neither torch nor anything
else that is heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hydranet import explain
    from hydranet.card import Card
    from hydranet.checkpoints import list_checkpoints, load
    from hydranet.costs import count_costs
    from hydranet.errors import InputError
    from hydranet.images import decode_image, read_image
    from hydranet.models import create_model
    from hydranet.prediction import Prediction, predict
    from hydranet.registry import list_models, model_config
    from hydranet.routing import Route

_HOMES = {
    "Card": "card",
    "InputError": "errors",
    "Prediction": "prediction",
    "Route": "routing",
    "count_costs": "costs",
    "create_model": "models",
    "decode_image": "images",
    "list_checkpoints": "checkpoints",
    "list_models": "registry",
    "load": "checkpoints",
    "model_config": "registry",
    "predict": "prediction",
    "read_image": "images",
}

__all__ = sorted([*_HOMES, "explain"])


def __getattr__(name: str) -> Any:
    if name == "explain":  # a package of its own, with a lazy API of its own
        return import_module("hydranet.explain")
    if name not in _HOMES:
        raise AttributeError(f"module 'hydranet' has no attribute {name!r}")
    return getattr(import_module(f"hydranet.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
