"""Names of networks, and the configuration that each stands for. Light: no torch.

`create_model(name)` in `hydranet.models` builds the network; `costs` counts it from the same
configuration without building anything.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from hydranet.config import (
    CONFIG_CLASSES,
    ArchitectureConfig,
    DenseNetConfig,
    DynamicConfig,
    EarlyExitResConfig,
    HydraDenseConfig,
    HydraResConfig,
    HydraResSepConfig,
    MoeViTConfig,
    MultiHeadDenseConfig,
    MultiHeadResConfig,
    ResNetConfig,
    ResSepConfig,
)
from hydranet.errors import InputError
from hydranet.extensions import load_extensions
from hydranet.structure import structure

_NAME = re.compile(r"[a-z0-9_]{1,64}")
_FAMILY = re.compile(r"[a-z0-9_-]{1,64}")

_REGISTRY: dict[str, ArchitectureConfig] = {
    **{f"resnet{6 * n + 2}": ResNetConfig(n=n) for n in (1, 2, 3, 4, 5, 9, 18)},
    "resnet20x4": ResNetConfig(n=3, widths=(64, 128, 256)),
    **{f"hydra_res_d{d}": HydraResConfig(d=d) for d in range(1, 10)},
    **{f"densenet{3 * n + 4}": DenseNetConfig(n=n) for n in (2, 3, 4, 6, 8)},
    **{f"hydra_dense_d{n}": HydraDenseConfig(n=n) for n in (2, 3, 4, 6)},
    "ressep_d2": ResSepConfig(),
    "hydra_ressep_d2": HydraResSepConfig(),
    "multihead_resnet": MultiHeadResConfig(n=3),
    "multihead_densenet": MultiHeadDenseConfig(n=3),
    "early_exit_resnet": EarlyExitResConfig(n=3),
    "moe_vit": MoeViTConfig(),
}


def list_models() -> list[str]:
    """The names of all registered networks, families together, small before large.

    Examples:
        >>> list_models()[:3]
        ['resnet8', 'resnet14', 'resnet20']
    """
    load_extensions()
    return list(_REGISTRY)


def register_network(name: str, config: DynamicConfig) -> None:
    """Make a dynamic network of one's own known by `name`, and its family to cards.

    The same may be registered again. Called by a module that `hydranet.extensions` imports.

    Raises:
        InputError: `config` is none, its family or fields do not make a card, or another network
            has that name or another configuration that family.
    """
    cls = type(config)
    if not isinstance(config, DynamicConfig) or not dataclasses.is_dataclass(config):
        raise InputError(f"A network is registered by a DynamicConfig, not by {cls.__name__}.")
    if not _NAME.fullmatch(name) or not _FAMILY.fullmatch(config.family):
        raise InputError(
            "Names and families are small letters, digits and _, families also -, not "
            f"{name!r} and {config.family!r}."
        )
    theirs = CONFIG_CLASSES.get(config.family)
    if theirs is not None and theirs.__qualname__ != cls.__qualname__:
        raise InputError(f"The family {config.family} is that of {theirs.__name__} already.")
    if _REGISTRY.get(name, config).family != config.family:
        raise InputError(f"There is a network named {name} already. Choose another name.")
    structure(cls, {k: v for k, v in config.to_json().items() if k != "family"}, name)
    CONFIG_CLASSES[config.family] = cls
    _REGISTRY[name] = config


def model_config(name: str, **changes: Any) -> ArchitectureConfig:
    """The configuration that `name` stands for, with fields changed as given.

    Examples:
        >>> model_config("hydra_res_d1", num_classes=10, k=2).k
        2

    Raises:
        InputError: the name or a field is unknown, or a value is out of range.
    """
    if name not in _REGISTRY:
        load_extensions()
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
