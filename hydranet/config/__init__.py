"""Architectures as frozen dataclasses that check themselves.

A configuration says everything that is needed to build a network and to count its costs, and
nothing else. It is light: no torch. Which names stand for which configuration is in `registry.py`.
`base` is what all families share; a family's source stands in the file of its configuration.
"""

from hydranet.config.backbone import BackboneConfig, HydraBackboneConfig
from hydranet.config.base import ArchitectureConfig, DynamicConfig, HydraConfig, MultiHeadConfig
from hydranet.config.convolutional import (
    DenseNetConfig,
    HydraDenseConfig,
    HydraResConfig,
    MultiHeadDenseConfig,
    MultiHeadResConfig,
    ResNetConfig,
)
from hydranet.config.early_exit import EarlyExitResConfig
from hydranet.config.moe import MoeViTConfig
from hydranet.config.separable import HydraResSepConfig, ResSepConfig
from hydranet.config.stored import CONFIG_CLASSES, config_from_json

__all__ = [
    "CONFIG_CLASSES",
    "ArchitectureConfig",
    "BackboneConfig",
    "DenseNetConfig",
    "DynamicConfig",
    "EarlyExitResConfig",
    "HydraBackboneConfig",
    "HydraConfig",
    "HydraDenseConfig",
    "HydraResConfig",
    "HydraResSepConfig",
    "MoeViTConfig",
    "MultiHeadConfig",
    "MultiHeadDenseConfig",
    "MultiHeadResConfig",
    "ResNetConfig",
    "ResSepConfig",
    "config_from_json",
]
