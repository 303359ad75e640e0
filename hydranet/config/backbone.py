"""HydraNets made of a library's classifier, as configurations. Light: no torch.

A backbone is named, not stored: the library builds it, freshly initialised, wherever the
configuration is read. What it costs can only be known by building it, so that needs torch and the
library; see `hydranet.models.backbone`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from hydranet.config.base import ArchitectureConfig, HydraConfig
from hydranet.errors import InputError

LIBRARIES = ("torchvision", "timm")
_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,63}")
_PLACE = re.compile(r"[a-z0-9_]{1,32}(\.[a-z0-9_]{1,32}){0,3}")


def _check(library: object, backbone: object, split: object) -> None:
    if library not in LIBRARIES:
        raise InputError(f"library must be one of {', '.join(LIBRARIES)}, not {library!r}.")
    if not isinstance(backbone, str) or not _NAME.fullmatch(backbone):
        raise InputError(f"backbone must be a name such as resnet18, not {backbone!r}.")
    if not isinstance(split, str) or not _PLACE.fullmatch(split):
        raise InputError(f"split must be the name of a part such as layer4, not {split!r}.")


@dataclass(frozen=True, kw_only=True)
class BackboneConfig(ArchitectureConfig):
    """A classifier of torchvision or timm, cut before its part `split` into stem and body."""

    family: ClassVar[str] = "backbone"

    library: str
    backbone: str
    split: str
    image_size: int = 224

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(self.library, self.backbone, self.split)

    @property
    def title(self) -> str:
        """As the library calls it."""
        return self.backbone


@dataclass(frozen=True, kw_only=True)
class HydraBackboneConfig(HydraConfig):
    """The template on a library's classifier: its parts before `split` are the stem, and each
    branch is a copy of the rest with `width` times its channels; so is the gate, with `gate_width`.

    Source: HydraNets, CVPR 2018, section 3. Its ImageNet variant has branches and a gate of an
    eighth of the width; what it has for other networks is open.
    """

    family: ClassVar[str] = "hydra-backbone"

    library: str
    backbone: str
    split: str
    width: float = 0.25
    gate_width: float = 0.125
    image_size: int = 224

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(self.library, self.backbone, self.split)
        for name in ("width", "gate_width"):
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not 0 < value <= 1:
                raise InputError(f"{name} must be a number above 0 and at most 1, not {value!r}.")

    @property
    def branch_width(self) -> float:
        """As it was given."""
        return self.width

    @property
    def title(self) -> str:
        """Hydra- and what the library calls it."""
        return f"Hydra-{self.backbone}"

    @property
    def static(self) -> BackboneConfig:
        """The whole classifier."""
        return BackboneConfig(
            library=self.library, backbone=self.backbone, split=self.split,
            num_classes=self.num_classes, image_size=self.image_size,
        )  # fmt: skip
