"""Which parts a family of static networks gives to build with."""

from __future__ import annotations

from hydranet.config import ArchitectureConfig, DenseNetConfig, ResNetConfig
from hydranet.errors import InputError
from hydranet.models.blocks import residual_parts
from hydranet.models.densenet import dense_parts
from hydranet.models.parts import Parts


def parts_of(static: ArchitectureConfig) -> Parts:
    """The parts of a static network, which HydraNets of its kind are made of too.

    Raises:
        InputError: no parts are known for the family.
    """
    match static:
        case ResNetConfig():
            return residual_parts(static)
        case DenseNetConfig():
            return dense_parts(static)
    raise InputError(f"No parts are known for the family {static.family!r}.")
