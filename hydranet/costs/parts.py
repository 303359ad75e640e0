"""Exact costs of layers, and of the parts that each family of networks is made of. Light: no torch.

The convention is that of `counting`: MACs of convolution and linear layers alone, batch norm
folded; parameters are everything that is learned, batch norm's scale and shift too.
"""

from __future__ import annotations

from dataclasses import dataclass

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
from hydranet.config.separable import scaled
from hydranet.errors import InputError


@dataclass(frozen=True)
class Cost:
    """Parameters and MACs of a part, as integers; they add."""

    parameters: int = 0
    macs: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.parameters + other.parameters, self.macs + other.macs)


NOTHING = Cost()
"""Of a part that a network does without."""


@dataclass(frozen=True)
class PartCosts:
    """Of a static network: its stem, its body, and how many features the body gives (D)."""

    stem: Cost
    body: Cost
    features: int


@dataclass(frozen=True)
class HydraPartCosts:
    """Of a HydraNet: its stem, the gate's body and how many features that gives, a branch, and how
    many features that gives (D)."""

    stem: Cost
    gate: Cost
    gate_features: int
    branch: Cost
    features: int


def hydra_part_costs(config: HydraConfig) -> HydraPartCosts:
    """The costs of the parts of a HydraNet, without the gate's scores and the combiner.

    Raises:
        InputError: the family is unknown; or it needs a library that is not installed.
    """
    if isinstance(config, HydraResSepConfig):
        return _hydra_separable(config)
    if isinstance(config, HydraBackboneConfig):
        from hydranet.models.backbone_costs import hydra_backbone_costs

        return hydra_backbone_costs(config)
    parts, width = part_costs(config.static), config.num_classes
    branch = parts.body
    if isinstance(config, MultiHeadConfig):
        branch += linear(parts.features, width)
    elif config.projects:
        branch += linear(parts.features, parts.features)
    return HydraPartCosts(parts.stem, parts.body, parts.features, branch, parts.features)


def part_costs(static: ArchitectureConfig) -> PartCosts:
    """The costs of the parts of a static network, without its output layer.

    Raises:
        InputError: the family is not one of the static ones; or it needs a library that is not
            installed.
    """
    match static:
        case ResNetConfig():
            return _residual(static)
        case DenseNetConfig():
            return _dense(static)
        case ResSepConfig():
            return _separable(static)
        case BackboneConfig():
            from hydranet.models.backbone_costs import backbone_costs

            return backbone_costs(static)
    raise InputError(f"No costs are known for the family {static.family!r}.")


def linear(features_in: int, features: int) -> Cost:
    """A linear layer with bias."""
    weights = features_in * features
    return Cost(parameters=weights + features, macs=weights)


def conv(channels_in: int, channels: int, side: int, *, kernel: int = 3) -> Cost:
    """A convolution without bias to `channels` × side × side."""
    weights = kernel * kernel * channels_in * channels
    return Cost(parameters=weights, macs=weights * side * side)


def norm(channels: int) -> Cost:
    """Batch norm: a scale and a shift a channel; its multiplications are folded."""
    return Cost(parameters=2 * channels)


def _residual(config: ResNetConfig) -> PartCosts:
    first, second, third = config.widths
    side = config.image_size
    half = (side + 1) // 2  # a 3×3 convolution with stride 2 and padding 1
    quarter = (half + 1) // 2
    stem = (
        conv(3, first, side)
        + norm(first)
        + _residual_stage(first, first, side, blocks=config.n)
        + _residual_stage(first, second, half, blocks=config.n)
    )
    return PartCosts(stem, _residual_stage(second, third, quarter, blocks=config.n), third)


def _residual_stage(channels_in: int, channels: int, side: int, *, blocks: int) -> Cost:
    cost = conv(channels_in, channels, side) + norm(channels)
    for _ in range(2 * blocks - 1):
        cost += conv(channels, channels, side) + norm(channels)
    return cost


def _dense(config: DenseNetConfig) -> PartCosts:
    n, growth = config.n, config.growth
    side = config.image_size
    half, quarter = side // 2, side // 4  # pooling leaves out an odd last row
    first = config.channels
    second, third, last = (first + block * n * growth for block in (1, 2, 3))
    stem = (
        conv(3, first, side)
        + _dense_block(first, growth, side, layers=n)
        + _transition(second, side)
        + _dense_block(second, growth, half, layers=n)
    )
    body = _transition(third, half) + _dense_block(third, growth, quarter, layers=n) + norm(last)
    return PartCosts(stem, body, last)


def _dense_block(channels: int, growth: int, side: int, *, layers: int) -> Cost:
    cost = Cost()
    for layer in range(layers):
        channels_in = channels + layer * growth
        cost += norm(channels_in) + conv(channels_in, growth, side)
    return cost


def _transition(channels: int, side: int) -> Cost:
    """Batch norm and a 1×1 convolution at `side`, before the pooling."""
    return norm(channels) + conv(channels, channels, side, kernel=1)


def _separable(config: ResSepConfig) -> PartCosts:
    side = _separable_side(config.image_size)
    *narrow, last = config.widths
    stem = _separable_stem(config.first, tuple(narrow), config)
    return PartCosts(stem, _separable_stage(narrow[-1], last, side, blocks=config.d), last)


def _hydra_separable(config: HydraResSepConfig) -> HydraPartCosts:
    side, full = _separable_side(config.image_size), config.widths[3]
    narrow = tuple(scaled(width, config.stem_width) for width in config.widths[:3])
    gate, branch = (scaled(full, factor) for factor in (config.gate_width, config.branch_width))
    return HydraPartCosts(
        stem=_separable_stem(scaled(config.first, config.stem_width), narrow, config),
        gate=_separable_stage(narrow[-1], gate, side, blocks=config.d),
        gate_features=gate,
        branch=_separable_stage(narrow[-1], branch, side, blocks=config.d) + linear(branch, full),
        features=full,
    )


def _halved(side: int, times: int) -> int:
    """The side behind so many 3×3 windows with stride 2 and padding 1."""
    for _ in range(times):
        side = (side + 1) // 2
    return side


def _separable_side(image_size: int) -> int:
    """Of the last stage's maps: a convolution, a pooling and three stages halve it."""
    return _halved(image_size, 5)


def _separable_stem(
    first: int, widths: tuple[int, ...], config: ResSepConfig | HydraResSepConfig
) -> Cost:
    cost = conv(3, first, _halved(config.image_size, 1)) + norm(first)
    for stage, width in enumerate(widths):
        side = _halved(config.image_size, 2 + stage)
        cost += _separable_stage(first, width, side, blocks=config.d)
        first = width
    return cost


def _separable_stage(channels_in: int, channels: int, side: int, *, blocks: int) -> Cost:
    cost = Cost()
    for layer in range(2 * blocks):
        entering = channels if layer else channels_in
        depthwise = Cost(9 * entering, 9 * entering * side * side)
        cost += depthwise + conv(entering, channels, side, kernel=1) + norm(channels)
    return cost
