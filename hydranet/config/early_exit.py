"""A residual network with exits, as a configuration. Light: no torch.

Sources: the classifiers on the way and the rule by which an image leaves at one are those of
BranchyNet (Teerapittayanon, McDanel, Kung, ICPR 2016); exits that are trained together from the
first step, each with the same weight, and have convolutions of their own are those of MSDNet (Huang
et al., ICLR 2018). Chosen here: the network is the ResNet-(6n+2) for small images, its 3n blocks
are dealt out to the exits as evenly as can be, the longer parts first, and an exit on the way is a
3×3 convolution with stride 2 to as many channels as the last stage has, pooling and a linear layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hydranet.config.base import DynamicConfig, check_share, stage_areas
from hydranet.errors import InputError
from hydranet.routing.policies import EARLY_EXIT, Policy

if TYPE_CHECKING:
    from hydranet.costs import Costs
    from hydranet.models.network import Network


@dataclass(frozen=True, kw_only=True)
class EarlyExitResConfig(DynamicConfig):
    """A ResNet-(6n+2) with `num_branches` exits, of which the last is its own end.

    `k`: how many exits an image may come to, all unless a caller says otherwise; `threshold`: the
    doubt, 100 % less the probability of the answer, that must be left for it to go on.
    """

    family: ClassVar[str] = "early-exit-resnet"
    policy: ClassVar[Policy] = EARLY_EXIT
    answers_each: ClassVar[bool] = True

    n: int
    widths: tuple[int, ...] = (16, 32, 64)
    num_branches: int = 4
    k: int = 4
    threshold: float = 0.4

    def __post_init__(self) -> None:
        super().__post_init__()
        check_share("threshold", self.threshold)
        if self.num_branches > 3 * self.n:
            raise InputError(
                f"Each exit needs a block before it: with n = {self.n} there can be 1 to "
                f"{3 * self.n} exits, not {self.num_branches}."
            )

    @property
    def title(self) -> str:
        """Early-exit ResNet-(6n+2)."""
        return f"early-exit ResNet-{6 * self.n + 2}"

    @property
    def segments(self) -> tuple[tuple[int, ...], ...]:
        """For each exit the stages, 0 to 2, of the blocks that lead to it from the one before."""
        count, exits = 3 * self.n, self.num_branches
        ends = [-(-(place + 1) * count // exits) for place in range(exits)]
        starts = [0, *ends[:-1]]
        return tuple(
            tuple(block // self.n for block in range(start, end))
            for start, end in zip(starts, ends, strict=True)
        )

    def values(self) -> int:
        """Of the blocks, and of a convolution at each exit."""
        areas = stage_areas(self.image_size)
        stages = zip(areas, self.widths, strict=True)
        blocks = sum(a * (2 * self.n + 1) * width for a, width in stages)
        return blocks + self.num_branches * areas[1] * self.widths[-1]

    def costs(self) -> Costs:
        """Counted from the layers."""
        from hydranet.costs.early_exit import early_exit_costs

        return early_exit_costs(self)

    def build(self) -> Network:
        """An early-exit network."""
        from hydranet.models.early_exit import EarlyExitNet

        return EarlyExitNet(self)
