"""Which parts a family of networks gives to build with."""

from __future__ import annotations

from functools import partial

from torch import nn

from hydranet.config import (
    ArchitectureConfig,
    BackboneConfig,
    DenseNetConfig,
    HydraBackboneConfig,
    HydraConfig,
    HydraResSepConfig,
    MultiHeadConfig,
    ResNetConfig,
    ResSepConfig,
)
from hydranet.errors import InputError
from hydranet.models.blocks import residual_parts
from hydranet.models.densenet import dense_parts
from hydranet.models.parts import HydraParts, Parts, Tail
from hydranet.models.separable import hydra_separable_parts, separable_parts


def parts_of(static: ArchitectureConfig) -> Parts:
    """The parts of a static network.

    Raises:
        InputError: no parts are known for the family.
    """
    match static:
        case ResNetConfig():
            return residual_parts(static)
        case DenseNetConfig():
            return dense_parts(static)
        case ResSepConfig():
            return separable_parts(static)
        case BackboneConfig():
            from hydranet.models.backbone import backbone_parts

            return backbone_parts(static)
    raise InputError(f"No parts are known for the family {static.family!r}.")


def hydra_parts_of(config: HydraConfig) -> HydraParts:
    """The parts of a HydraNet: those of its static network, unless its family has narrower ones.

    A branch's neck is a linear layer from D to D, nothing, or, in a multi-head network, the head's
    own classifier.

    Raises:
        InputError: no parts are known for the family.
    """
    if isinstance(config, HydraResSepConfig):
        return hydra_separable_parts(config)
    if isinstance(config, HydraBackboneConfig):
        from hydranet.models.backbone import hydra_backbone_parts

        return hydra_backbone_parts(config)
    parts = parts_of(config.static)
    width = config.num_classes if isinstance(config, MultiHeadConfig) else parts.features
    has_neck = isinstance(config, MultiHeadConfig) or config.projects
    neck = partial(nn.Linear, parts.features, width) if has_neck else nn.Identity
    return HydraParts(
        stem=parts.stem,
        branch=Tail(parts.body, parts.features, neck, width),
        gate=Tail(parts.body, parts.features, nn.Identity, parts.features),
    )
