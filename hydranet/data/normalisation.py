"""How pixels become the numbers that a network sees. Light: torch only where it is applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hydranet.errors import InputError

if TYPE_CHECKING:
    import torch
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
        mean, std = self.tensors(images.device)
        return (images.float() - mean) / std

    def tensors(self, device: torch.device | str) -> tuple[Tensor, Tensor]:
        """Mean and deviation, (3, 1, 1) both, in units of a byte."""
        import torch

        mean, std = (torch.tensor(x, device=device) for x in (self.mean, self.std))
        return mean.view(3, 1, 1) * 255, std.view(3, 1, 1) * 255
