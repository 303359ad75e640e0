"""Architectures as frozen dataclasses that check themselves.

A configuration says everything that is needed to build a network and to count its costs, and
nothing else. It is light: no torch. Which names stand for which configuration is in `registry.py`.

Source of the layouts: "HydraNets: Specialized Dynamic Architectures for Efficient Inference",
Mullapudi, Mark, Shazeer, Fatahalian, CVPR 2018; residual networks for CIFAR: He et al., "Deep
Residual Learning for Image Recognition", CVPR 2016, section 4.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from hydranet.errors import InputError
from hydranet.structure import structure

_LIMITS = {
    "num_classes": (2, 100_000),
    "image_size": (8, 1024),
    "num_branches": (1, 1024),
    "d": (1, 64),
    "n": (1, 64),
}


def _check_whole(name: str, value: object, low: int, high: int) -> None:
    """Raise InputError unless `value` is a whole number in [low, high]."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InputError(f"{name} must be a whole number from {low} to {high}, not {value!r}.")


@dataclass(frozen=True, kw_only=True)
class ArchitectureConfig:
    """What every family shares.

    `num_classes`: size of the output layer; `image_size`: side of the square RGB input in pixels.
    """

    family: ClassVar[str] = ""

    num_classes: int = 100
    image_size: int = 32

    def __post_init__(self) -> None:
        for name, (low, high) in _LIMITS.items():
            if hasattr(self, name):
                _check_whole(name, getattr(self, name), low, high)

    @property
    def is_dynamic(self) -> bool:
        """Whether an input runs only a part of the network."""
        return hasattr(self, "num_branches")

    def to_json(self) -> dict[str, Any]:
        """The fields and the family, as JSON values."""
        return {"family": self.family, **asdict(self)}


def _check_widths(widths: object, count: int) -> None:
    if not isinstance(widths, tuple) or len(widths) != count:
        raise InputError(f"widths must be {count} channel counts, not {widths!r}.")
    for width in widths:
        _check_whole("each width", width, 1, 4096)


@dataclass(frozen=True, kw_only=True)
class ResNetConfig(ArchitectureConfig):
    """ResNet-(6n+2) for small images: n basic blocks at each of three widths.

    Shortcuts are free of parameters: strided slice and zero-padded channels (option A of He et
    al., section 4.2).
    """

    family: ClassVar[str] = "resnet"

    n: int
    widths: tuple[int, ...] = (16, 32, 64)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_widths(self.widths, 3)


@dataclass(frozen=True, kw_only=True)
class HydraResConfig(ArchitectureConfig):
    """Hydra-Res-d: a ResNet-(6d+2) whose last stage stands once in each of N branches.

    Source: HydraNets, CVPR 2018, template of section 3 and the costs of the CIFAR-100 table; the
    layout is the one that reproduces the printed costs. `num_branches` is the paper's N, `k` how
    many branches run for an image unless a caller says otherwise.
    """

    family: ClassVar[str] = "hydra-resnet"

    d: int
    num_branches: int = 20
    k: int = 4
    widths: tuple[int, ...] = (16, 32, 64)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_widths(self.widths, 3)
        _check_whole(f"k, with {self.num_branches} branches,", self.k, 1, self.num_branches)


CONFIG_CLASSES: dict[str, type[ArchitectureConfig]] = {
    cls.family: cls for cls in (ResNetConfig, HydraResConfig)
}


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
    if not isinstance(family, str) or family not in CONFIG_CLASSES:
        known = ", ".join(sorted(CONFIG_CLASSES))
        raise InputError(f"The family of an architecture must be one of {known}, not {family!r}.")
    cls = CONFIG_CLASSES[family]
    return structure(cls, values, f"The {family} architecture")
