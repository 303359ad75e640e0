"""Networks as torch modules. One file a family; parts that families share beside them."""

from __future__ import annotations

from typing import Any

from hydranet.config import (
    ArchitectureConfig,
    BackboneConfig,
    DenseNetConfig,
    DynamicConfig,
    ResNetConfig,
    ResSepConfig,
)
from hydranet.errors import InputError
from hydranet.models.densenet import DenseNet
from hydranet.models.dynamic import DynamicNetwork, DynamicOutput
from hydranet.models.families import parts_of
from hydranet.models.hydra import HydraNet
from hydranet.models.network import Network, StaticNetwork
from hydranet.models.resnet import ResNet
from hydranet.registry import model_config

__all__ = [
    "DenseNet",
    "DynamicNetwork",
    "DynamicOutput",
    "HydraNet",
    "Network",
    "ResNet",
    "StaticNetwork",
    "build",
    "create_model",
]


def build(config: ArchitectureConfig) -> Network:
    """The network of a configuration, freshly initialised."""
    match config:
        case ResNetConfig():
            return ResNet(config)
        case DenseNetConfig():
            return DenseNet(config)
        case BackboneConfig() | ResSepConfig():
            return StaticNetwork(config, parts_of(config))
        case DynamicConfig():
            return config.build()
    raise InputError(f"No network is known for the family {config.family!r}.")


def create_model(name: str, **changes: Any) -> Network:
    """The registered network `name`, freshly initialised.

    Examples:
        >>> model = create_model("hydra_res_d1", num_classes=10, k=2)
        >>> model.config.num_classes, model.config.k
        (10, 2)

    Raises:
        InputError: the name or a field is unknown, or a value is out of range.
    """
    return build(model_config(name, **changes))
