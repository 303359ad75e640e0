"""How pixels become the numbers that a network sees. Light: torch only where it is applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hydranet.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation of each channel, in units of full scale (0 to 1)."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise InputError(
                "A normalisation needs three means and three positive deviations, "
                f"not {self.mean} and {self.std}."
            )

    def apply(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) uint8 → (B, 3, H, W) float32 with about zero mean and unit deviation."""
        pixels = images.float()
        mean = pixels.new_tensor(self.mean).view(3, 1, 1) * 255
        std = pixels.new_tensor(self.std).view(3, 1, 1) * 255
        return (pixels - mean) / std
