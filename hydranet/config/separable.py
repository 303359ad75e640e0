"""ResSep and the paper's ImageNet variant of the HydraNet, as configurations. Light: no torch.

Source: HydraNets, CVPR 2018, and a description by others: a first 3×3 convolution to 64 channels
with stride 2, max pooling, four stages of d residual blocks of separable convolutions, 128, 256,
512 and 1,024 channels wide, d = 2; widths times 0.5 in the stem and times 0.125 in branches and
gate. Open there, and chosen here:

- a block is two separable convolutions, as in Hydra-Res; each is a depthwise 3×3 and a pointwise
  1×1 convolution without a norm between them, then batch norm;
- shortcuts have no parameters, as in Hydra-Res; stages 2 to 4 begin with stride 2;
- the stem's factor applies to its first convolution too;
- the projection of a branch leads to as many features as the static network's output layer sees;
- N and k are those of `subtasks.branches_for` and `fired_for`: 50 branches of 20 classes, of which
  4 run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hydranet.config.base import ArchitectureConfig, HydraConfig
from hydranet.errors import InputError


def scaled(channels: int, factor: float) -> int:
    """A number of channels times a width factor, at least 1."""
    return max(1, round(channels * factor))


@dataclass(frozen=True, kw_only=True)
class ResSepConfig(ArchitectureConfig):
    """d residual blocks of separable convolutions at each of four widths."""

    family: ClassVar[str] = "ressep"
    num_widths: ClassVar[int] = 4

    d: int = 2
    first: int = 64
    widths: tuple[int, ...] = (128, 256, 512, 1024)
    num_classes: int = 1000
    image_size: int = 224

    @property
    def title(self) -> str:
        """ResSep-d."""
        return f"ResSep-d{self.d}"


@dataclass(frozen=True, kw_only=True)
class HydraResSepConfig(HydraConfig):
    """The fourth stage of a narrow ResSep once in each branch and in the gate.

    `stem_width`, `branch_width`, `gate_width`: the factors of the channels in each part.
    """

    family: ClassVar[str] = "hydra-ressep"
    num_widths: ClassVar[int] = 4

    d: int = 2
    first: int = 64
    widths: tuple[int, ...] = (128, 256, 512, 1024)
    stem_width: float = 0.5
    branch_width: float = 0.125
    gate_width: float = 0.125
    num_branches: int = 50
    num_classes: int = 1000
    image_size: int = 224

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("stem_width", "branch_width", "gate_width"):
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not 0 < value <= 1:
                raise InputError(f"{name} must be a number above 0 and at most 1, not {value!r}.")

    @property
    def title(self) -> str:
        """Hydra-ResSep-d."""
        return f"Hydra-ResSep-d{self.d}"

    @property
    def static(self) -> ResSepConfig:
        """ResSep-d at full width."""
        return ResSepConfig(
            d=self.d, first=self.first, widths=self.widths,
            num_classes=self.num_classes, image_size=self.image_size,
        )  # fmt: skip
