"""Exact costs of a network, by part and by route, from its configuration alone. Light: no torch.

Convention: MACs are multiply–accumulates of convolution and linear layers for one image (one
multiply and one add count 1); batch norm is folded, pooling and activations are free. The paper's
"MADDs" are 2 × MACs, and so is what `torch.utils.flop_counter.FlopCounterMode` says. Parameters are
everything that is learned: weights, biases, batch norm's scale and shift.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from hydranet.config import ArchitectureConfig, HydraResConfig, ResNetConfig
from hydranet.errors import InputError


@dataclass(frozen=True)
class Cost:
    """Parameters and MACs of a part, as integers; they add."""

    parameters: int = 0
    macs: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.parameters + other.parameters, self.macs + other.macs)


@dataclass(frozen=True)
class Costs:
    """What a network costs for one image.

    By part: `stem`, `gate`, one `branch`, `combiner`, with `num_branches` (N) and `k`. A static
    network is all stem, since every input runs all of it.
    """

    stem: Cost = Cost()
    gate: Cost = Cost()
    branch: Cost = Cost()
    combiner: Cost = Cost()
    num_branches: int = 0
    k: int = 0

    @cached_property
    def parameters(self) -> int:
        """Of the whole network, all branches included."""
        parts = self.stem.parameters + self.gate.parameters + self.combiner.parameters
        return parts + self.num_branches * self.branch.parameters

    @cached_property
    def routed_macs(self) -> int:
        """MACs of one image that fires k branches; of the whole network where it is static."""
        return self.macs(self.k)

    @cached_property
    def all_branches_macs(self) -> int:
        """MACs of one image if every branch ran."""
        return self.macs(self.num_branches)

    def macs(self, fired: int) -> int:
        """MACs of one image that fires `fired` branches."""
        return self.stem.macs + self.gate.macs + fired * self.branch.macs + self.combiner.macs

    def macs_json(self) -> dict[str, int]:
        """MACs by part, routed and with all branches, under the names that `--json` prints."""
        return {
            "stem": self.stem.macs,
            "gate": self.gate.macs,
            "branch": self.branch.macs,
            "combiner": self.combiner.macs,
            "routed": self.routed_macs,
            "all_branches": self.all_branches_macs,
        }


def count_costs(config: ArchitectureConfig) -> Costs:
    """The costs of the network that `config` describes, for one image of its size."""
    match config:
        case ResNetConfig():
            return _resnet_costs(config)
        case HydraResConfig():
            return _hydra_res_costs(config)
    raise InputError(f"No costs are known for the family {config.family!r}.")


def _conv(channels_in: int, channels: int, side: int, *, kernel: int = 3) -> Cost:
    """A convolution without bias to `channels` × side × side, with its batch norm."""
    weights = kernel * kernel * channels_in * channels
    return Cost(parameters=weights + 2 * channels, macs=weights * side * side)


def _linear(features_in: int, features: int) -> Cost:
    """A linear layer with bias."""
    weights = features_in * features
    return Cost(parameters=weights + features, macs=weights)


def _halved(side: int) -> int:
    """Side of the output of a 3×3 convolution with stride 2 and padding 1."""
    return (side + 1) // 2


def _residual_stage(channels_in: int, channels: int, side: int, *, blocks: int) -> Cost:
    cost = _conv(channels_in, channels, side)
    for _ in range(2 * blocks - 1):
        cost += _conv(channels, channels, side)
    return cost


def _residual_stem(widths: tuple[int, ...], side: int, *, blocks: int) -> Cost:
    return (
        _conv(3, widths[0], side)
        + _residual_stage(widths[0], widths[0], side, blocks=blocks)
        + _residual_stage(widths[0], widths[1], _halved(side), blocks=blocks)
    )


def _pooled_stage(widths: tuple[int, ...], side: int, *, blocks: int) -> Cost:
    return _residual_stage(widths[1], widths[2], _halved(_halved(side)), blocks=blocks)


def _resnet_costs(config: ResNetConfig) -> Costs:
    widths, side = config.widths, config.image_size
    return Costs(
        stem=_residual_stem(widths, side, blocks=config.n)
        + _pooled_stage(widths, side, blocks=config.n)
        + _linear(widths[2], config.num_classes)
    )


def _hydra_res_costs(config: HydraResConfig) -> Costs:
    widths, side = config.widths, config.image_size
    body = _pooled_stage(widths, side, blocks=config.d)
    return Costs(
        stem=_residual_stem(widths, side, blocks=config.d),
        gate=body + _linear(widths[2], config.num_branches),
        branch=body + _linear(widths[2], widths[2]),
        combiner=_linear(widths[2], config.num_classes),
        num_branches=config.num_branches,
        k=config.k,
    )
