"""What the configurations of all families share. Light: no torch. Import them from the package."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from hydranet.errors import InputError
from hydranet.routing.policies import ALL_HEADS, GATED, Policy
from hydranet.structure import shown

if TYPE_CHECKING:
    from hydranet.costs import Costs
    from hydranet.models.network import Network

_LIMITS = {
    "num_classes": (2, 100_000),
    "image_size": (8, 1024),
    "num_branches": (1, 1024),
    "d": (1, 64),
    "n": (1, 64),
    "growth": (1, 1024),
    "channels": (1, 4096),
    "first": (1, 4096),
}


def check_whole(name: str, value: object, low: int, high: int) -> None:
    """Raise InputError unless `value` is a whole number in [low, high]."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InputError(f"{name} must be a whole number from {low} to {high}, not {shown(value)}.")


@dataclass(frozen=True, kw_only=True)
class ArchitectureConfig:
    """What every family shares.

    `num_classes`: size of the output layer; `image_size`: side of the square RGB input in pixels.
    """

    family: ClassVar[str] = ""
    num_widths: ClassVar[int] = 3
    """How many stages of their own width a family with `widths` has."""
    has_subtasks: ClassVar[bool] = False
    """Whether each branch is meant for some of the classes, and a gate chooses among them."""

    num_classes: int = 100
    image_size: int = 32

    def __post_init__(self) -> None:
        for name, (low, high) in _LIMITS.items():
            if hasattr(self, name):
                check_whole(name, getattr(self, name), low, high)
        if hasattr(self, "widths"):
            check_widths(self.widths, self.num_widths)

    @property
    def is_dynamic(self) -> bool:
        """Whether an input runs only a part of the network."""
        return hasattr(self, "num_branches")

    @property
    def has_gate(self) -> bool:
        """Whether a gate that learns chooses among branches that stand side by side."""
        return False

    @property
    def title(self) -> str:
        """The name that sentences use, e.g. ResNet-14."""
        return self.family

    @property
    def static(self) -> ArchitectureConfig:
        """The static network whose stem and body this one is made of; itself where none is."""
        return self

    def stage_values(self) -> tuple[int, ...] | None:
        """How many numbers the layers of each stage put out for one image, at most; None where
        nobody reckoned it."""
        return None

    def values(self) -> int | None:
        """How many numbers all layers put out for one image if all of it runs, at most; None where
        nobody reckoned it: then a stranger cannot hand such a network over."""
        stages = self.static.stage_values()
        return None if stages is None else sum(stages)

    def to_json(self) -> dict[str, Any]:
        """The fields and the family, as JSON values."""
        return {"family": self.family, **asdict(self)}


def stage_areas(image_size: int) -> tuple[int, int, int]:
    """Pixels of the maps of three stages, each of half the side of the one before."""
    full, half, quarter = (-(-image_size // step) for step in (1, 2, 4))
    return full**2, half**2, quarter**2


def check_widths(widths: object, count: int) -> None:
    """Raise InputError unless `widths` are `count` channel counts."""
    if not isinstance(widths, tuple) or len(widths) != count:
        raise InputError(f"widths must be {count} channel counts, not {shown(widths)}.")
    for width in widths:
        check_whole("each width", width, 1, 4096)


def check_share(name: str, value: object) -> None:
    """Raise InputError unless `value` is a number from 0 to 1."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= 1:  # type: ignore[operator]  # number checks the type
        raise InputError(f"{name} must be a number from 0 to 1, not {shown(value)}.")


@dataclass(frozen=True, kw_only=True)
class DynamicConfig(ArchitectureConfig):
    """What every dynamic network has: N branches on a stem, of which k run.

    `num_branches` is the HydraNets paper's N, `k` how many branches run for an image, or for a
    token of it, unless a caller says otherwise.
    """

    policy: ClassVar[Policy] = GATED
    answers_each: ClassVar[bool] = False
    """Whether each branch gives logits, and so can have a loss of its own."""

    num_branches: int = 20
    k: int = 4

    @property
    def has_gate(self) -> bool:
        """Whether a gate that learns chooses among branches that stand side by side."""
        return bool(self.policy.gate) and not self.policy.in_a_row

    @property
    def threshold(self) -> float:
        """How much a branch must be wanted to run, unless a caller says otherwise."""
        return 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole(f"k, with {self.num_branches} branches,", self.k, 1, self.num_branches)

    def costs(self) -> Costs:
        """What the network costs for one image; counted on the network as it runs unless a family
        knows better. That needs torch."""
        from hydranet.models.counted import counted_costs

        return counted_costs(self)

    def build(self) -> Network:
        """The network, freshly initialised. Needs torch."""
        raise NotImplementedError(f"{type(self).__name__} must say how its network is built.")


@dataclass(frozen=True, kw_only=True)
class HydraConfig(DynamicConfig):
    """What every HydraNet has: a gate, branches that are each meant for a subtask, a combiner."""

    has_subtasks: ClassVar[bool] = True
    projects: ClassVar[bool] = False
    """Whether a branch ends in a linear layer from its D features to as many."""

    @property
    def branch_width(self) -> float:
        """The channels of a branch as a share of those of the static network's body."""
        return 1.0

    def values(self) -> int | None:
        """The last stage stands in every branch and in the gate."""
        stages = self.static.stage_values()
        if stages is None:
            return None
        return sum(stages) + self.num_branches * stages[-1]

    def costs(self) -> Costs:
        """Counted by part, without building anything."""
        from hydranet.costs import hydra_costs

        return hydra_costs(self)

    def build(self) -> Network:
        """A HydraNet."""
        from hydranet.models.hydra import HydraNet

        return HydraNet(self)


@dataclass(frozen=True, kw_only=True)
class MultiHeadConfig(HydraConfig):
    """One trunk and `num_branches` heads, each the rest of the network with its own classifier.

    Source: raghav1810/HydraNet on GitHub, which is not the paper's method: no gate chooses, all
    heads run, and their logits are averaged; a head has no subtask. Where k is less than the number
    of heads, the first k run. The original cuts a trained ResNet-110, PreResNet-110 or
    DenseNet-BC-100-12 at a split point of choice into a trunk, frozen until a given epoch, and
    heads that start anew; a fixed Dirichlet draw weighs the training samples of each head. Here the
    split is where a HydraNet of the same depth branches.
    """

    has_subtasks: ClassVar[bool] = False
    policy: ClassVar[Policy] = ALL_HEADS
    answers_each: ClassVar[bool] = True

    num_branches: int = 4
