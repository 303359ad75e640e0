"""Configurations of all families, and from JSON, as cards have them. Light: no torch."""

from __future__ import annotations

from collections.abc import Mapping

from hydranet.config.backbone import BackboneConfig, HydraBackboneConfig
from hydranet.config.base import ArchitectureConfig
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
from hydranet.errors import InputError
from hydranet.extensions import load_extensions
from hydranet.structure import shown, structure

CONFIG_CLASSES: dict[str, type[ArchitectureConfig]] = {
    cls.family: cls
    for cls in (
        ResNetConfig, HydraResConfig, DenseNetConfig, HydraDenseConfig,
        MultiHeadResConfig, MultiHeadDenseConfig, ResSepConfig, HydraResSepConfig,
        BackboneConfig, HydraBackboneConfig, EarlyExitResConfig,
        MoeViTConfig,
    )
}  # fmt: skip


def config_from_json(data: object) -> ArchitectureConfig:
    """The configuration that `ArchitectureConfig.to_json` wrote.

    Raises:
        InputError: `data` is no mapping, its family is unknown, a field is missing or unknown, or
            a value is out of range.
    """
    if not isinstance(data, Mapping):
        raise InputError(f"An architecture must be a mapping, not {type(data).__name__}.")
    values = dict(data)
    family = values.pop("family", None)
    if isinstance(family, str) and family not in CONFIG_CLASSES:
        load_extensions()
    if not isinstance(family, str) or family not in CONFIG_CLASSES:
        known = ", ".join(sorted(CONFIG_CLASSES))
        raise InputError(
            f"The family of an architecture must be one of {known}, not {shown(family)}."
        )
    cls = CONFIG_CLASSES[family]
    return structure(cls, values, f"The {family} architecture")
