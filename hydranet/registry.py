"""Names of networks, and the configuration that each stands for. Light: no torch.

`create_model(name)` in `hydranet.models` builds the network; `costs.py` counts it from the same
configuration without building anything.
"""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from hydranet.config import (
    ArchitectureConfig,
    DenseNetConfig,
    HydraDenseConfig,
    HydraResConfig,
    HydraResSepConfig,
    MultiHeadDenseConfig,
    MultiHeadResConfig,
    ResNetConfig,
    ResSepConfig,
)
from hydranet.errors import InputError

_REGISTRY: dict[str, ArchitectureConfig] = {
    **{f"resnet{6 * n + 2}": ResNetConfig(n=n) for n in (1, 2, 3, 4, 5, 9, 18)},
    **{f"hydra_res_d{d}": HydraResConfig(d=d) for d in range(1, 10)},
    **{f"densenet{3 * n + 4}": DenseNetConfig(n=n) for n in (2, 3, 4, 6, 8)},
    **{f"hydra_dense_d{n}": HydraDenseConfig(n=n) for n in (2, 3, 4, 6)},
    "ressep_d2": ResSepConfig(),
    "hydra_ressep_d2": HydraResSepConfig(),
    "multihead_resnet": MultiHeadResConfig(n=3),
    "multihead_densenet": MultiHeadDenseConfig(n=3),
}


def list_models() -> list[str]:
    """The names of all registered networks, families together, small before large.

    Examples:
        >>> list_models()[:3]
        ['resnet8', 'resnet14', 'resnet20']
    """
    return list(_REGISTRY)


def model_config(name: str, **changes: Any) -> ArchitectureConfig:
    """The configuration that `name` stands for, with fields changed as given.

    Examples:
        >>> model_config("hydra_res_d1", num_classes=10, k=2).k
        2

    Raises:
        InputError: the name or a field is unknown, or a value is out of range.
    """
    try:
        config = _REGISTRY[name]
    except KeyError:
        close = get_close_matches(name, _REGISTRY, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise InputError(
            f"There is no network named {name!r}.{hint} The names are: {', '.join(_REGISTRY)}."
        ) from None
    try:
        return replace(config, **changes)
    except TypeError as error:
        raise InputError(f"{name} cannot be changed so: {error}.") from None
