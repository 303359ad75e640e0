"""Residual and densely connected networks, and HydraNets and multi-head networks made of them, as
configurations. Light: no torch.

Source of the layouts: "HydraNets: Specialized Dynamic Architectures for Efficient Inference",
Mullapudi, Mark, Shazeer, Fatahalian, CVPR 2018; residual networks for CIFAR: He et al., "Deep
Residual Learning for Image Recognition", CVPR 2016, section 4.2; densely connected ones: Huang et
al., "Densely Connected Convolutional Networks", CVPR 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hydranet.config.base import ArchitectureConfig, HydraConfig, MultiHeadConfig, stage_areas

_WIDTHS = (16, 32, 64)


@dataclass(frozen=True, kw_only=True)
class ResNetConfig(ArchitectureConfig):
    """ResNet-(6n+2) for small images: n basic blocks at each of three widths.

    Shortcuts are free of parameters: strided slice and zero-padded channels (option A of He et
    al., section 4.2).
    """

    family: ClassVar[str] = "resnet"

    n: int
    widths: tuple[int, ...] = _WIDTHS

    @property
    def title(self) -> str:
        """ResNet-(6n+2), with ×f behind it where it is f times as wide as the paper's."""
        factor = self.widths[0] // _WIDTHS[0]
        wider = factor > 1 and self.widths == tuple(factor * width for width in _WIDTHS)
        return f"ResNet-{6 * self.n + 2}" + (f"×{factor}" if wider else "")

    def stage_values(self) -> tuple[int, ...]:
        """Of three stages of 2n convolutions, and a first one."""
        areas = stage_areas(self.image_size)
        return tuple(
            a * (2 * self.n + 1) * width for a, width in zip(areas, self.widths, strict=True)
        )


@dataclass(frozen=True, kw_only=True)
class DenseNetConfig(ArchitectureConfig):
    """DenseNet-(3n+4) for small images: three dense blocks of n layers, no bottleneck.

    `channels` leave the first convolution; each layer adds `growth`; transitions keep the number
    of channels (no compression). The defaults are those of the HydraNets paper's baselines: for
    each of the seven depths in its figure the MACs differ from the digitised ones by less than
    0.05 %, the parameters by at most 0.01 M.
    """

    family: ClassVar[str] = "densenet"

    n: int
    growth: int = 24
    channels: int = 48

    @property
    def title(self) -> str:
        """DenseNet-(3n+4)."""
        return f"DenseNet-{3 * self.n + 4}"

    def stage_values(self) -> tuple[int, ...]:
        """Of three blocks, in which each layer is put beside what came before."""
        areas, layers = stage_areas(self.image_size), self.n * self.growth
        return tuple(
            a * (self.n + 1) * (self.channels + block * layers)
            for block, a in enumerate(areas, start=1)
        )


@dataclass(frozen=True, kw_only=True)
class HydraResConfig(HydraConfig):
    """Hydra-Res-d: a ResNet-(6d+2) whose last stage stands once in each of N branches.

    Source: HydraNets, CVPR 2018, template of section 3 and the costs of the CIFAR-100 table; the
    layout is the one that reproduces the printed costs.
    """

    family: ClassVar[str] = "hydra-resnet"
    projects: ClassVar[bool] = True

    d: int
    widths: tuple[int, ...] = _WIDTHS

    @property
    def title(self) -> str:
        """Hydra-Res-d."""
        return f"Hydra-Res-d{self.d}"

    @property
    def static(self) -> ResNetConfig:
        """ResNet-(6d+2)."""
        return ResNetConfig(
            n=self.d, widths=self.widths, num_classes=self.num_classes, image_size=self.image_size
        )


@dataclass(frozen=True, kw_only=True)
class HydraDenseConfig(HydraConfig):
    """Hydra-Dense-n: a DenseNet-(3n+4) whose transition 2 and block 3 stand in each of N branches.

    Source: HydraNets, CVPR 2018, its DenseNet figure; N and k are open there. Branches do not end
    in a linear layer: so the MACs of n = 2, 3, 4, 6 differ from the digitised ones by less than
    0.03 %; with a layer from D to D they are 0.13 to 0.18 % above them.
    """

    family: ClassVar[str] = "hydra-densenet"

    n: int
    growth: int = 24
    channels: int = 48

    @property
    def title(self) -> str:
        """Hydra-Dense-dn."""
        return f"Hydra-Dense-d{self.n}"

    @property
    def static(self) -> DenseNetConfig:
        """DenseNet-(3n+4)."""
        return DenseNetConfig(
            n=self.n, growth=self.growth, channels=self.channels,
            num_classes=self.num_classes, image_size=self.image_size,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class MultiHeadResConfig(MultiHeadConfig):
    """Heads on a ResNet-(6n+2) that is cut after its second stage."""

    family: ClassVar[str] = "multihead-resnet"

    n: int
    widths: tuple[int, ...] = _WIDTHS

    @property
    def title(self) -> str:
        """Multi-head ResNet-(6n+2)."""
        return f"multi-head {self.static.title}"

    @property
    def static(self) -> ResNetConfig:
        """ResNet-(6n+2)."""
        return ResNetConfig(
            n=self.n, widths=self.widths, num_classes=self.num_classes, image_size=self.image_size
        )


@dataclass(frozen=True, kw_only=True)
class MultiHeadDenseConfig(MultiHeadConfig):
    """Heads on a DenseNet-(3n+4) that is cut after its second block."""

    family: ClassVar[str] = "multihead-densenet"

    n: int
    growth: int = 24
    channels: int = 48

    @property
    def title(self) -> str:
        """Multi-head DenseNet-(3n+4)."""
        return f"multi-head {self.static.title}"

    @property
    def static(self) -> DenseNetConfig:
        """DenseNet-(3n+4)."""
        return DenseNetConfig(
            n=self.n, growth=self.growth, channels=self.channels,
            num_classes=self.num_classes, image_size=self.image_size,
        )  # fmt: skip
