"""HydraNets: networks of which each input runs only a part.

The public API, resolved on first use, so that `import hydranet` loads neither torch nor anything
else that is heavy.

>>> import hydranet
>>> model = hydranet.load("hydra_res_d1")
>>> answer = hydranet.predict(model, [hydranet.read_image("app/samples/cat.jpg")], k=2)[0]
>>> len(answer.fired)
2
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hydranet import explain
    from hydranet.checkpoints import list_checkpoints, load
    from hydranet.checkpoints.card import Card
    from hydranet.costs import count_costs
    from hydranet.errors import InputError
    from hydranet.hub import from_pretrained, push_to_hub, save_pretrained
    from hydranet.intake.images import decode_image, read_image
    from hydranet.models import create_model
    from hydranet.models.hydrate import hydrate
    from hydranet.prediction import Prediction, network_input, predict
    from hydranet.registry import list_models, model_config
    from hydranet.routing.routes import Route

__version__ = "0.1.0"
"""The one place where the version stands; the package's metadata is read from it."""

_HOMES = {
    "Card": "checkpoints.card",
    "InputError": "errors",
    "Prediction": "prediction",
    "Route": "routing.routes",
    "count_costs": "costs",
    "create_model": "models",
    "decode_image": "intake.images",
    "from_pretrained": "hub",
    "hydrate": "models.hydrate",
    "list_checkpoints": "checkpoints",
    "list_models": "registry",
    "load": "checkpoints",
    "model_config": "registry",
    "network_input": "prediction",
    "predict": "prediction",
    "push_to_hub": "hub",
    "read_image": "intake.images",
    "save_pretrained": "hub",
}

# Written out, because a type checker reads it and does not run it.
__all__ = [
    "Card",
    "InputError",
    "Prediction",
    "Route",
    "__version__",
    "count_costs",
    "create_model",
    "decode_image",
    "explain",
    "from_pretrained",
    "hydrate",
    "list_checkpoints",
    "list_models",
    "load",
    "model_config",
    "network_input",
    "predict",
    "push_to_hub",
    "read_image",
    "save_pretrained",
]


def __getattr__(name: str) -> Any:
    if name == "explain":  # a package of its own, with a lazy API of its own
        return import_module("hydranet.explain")
    if name not in _HOMES:
        raise AttributeError(f"module 'hydranet' has no attribute {name!r}")
    return getattr(import_module(f"hydranet.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
