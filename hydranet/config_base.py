"""What the configurations of all families share. Light: no torch. Import them from `config.py`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from hydranet.errors import InputError
from hydranet.structure import shown

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
    def title(self) -> str:
        """The name that sentences use, e.g. ResNet-14."""
        return self.family

    @property
    def static(self) -> ArchitectureConfig:
        """The static network whose stem and body this one is made of; a static one: itself."""
        return self

    def to_json(self) -> dict[str, Any]:
        """The fields and the family, as JSON values."""
        return {"family": self.family, **asdict(self)}


def check_widths(widths: object, count: int) -> None:
    """Raise InputError unless `widths` are `count` channel counts."""
    if not isinstance(widths, tuple) or len(widths) != count:
        raise InputError(f"widths must be {count} channel counts, not {shown(widths)}.")
    for width in widths:
        check_whole("each width", width, 1, 4096)


@dataclass(frozen=True, kw_only=True)
class HydraConfig(ArchitectureConfig):
    """What every HydraNet has: N branches on a stem, of which k run.

    `num_branches` is the paper's N, `k` how many branches run for an image unless a caller says
    otherwise.
    """

    has_subtasks: ClassVar[bool] = True
    projects: ClassVar[bool] = False
    """Whether a branch ends in a linear layer from its D features to as many."""

    num_branches: int = 20
    k: int = 4

    @property
    def branch_width(self) -> float:
        """The channels of a branch as a share of those of the static network's body."""
        return 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole(f"k, with {self.num_branches} branches,", self.k, 1, self.num_branches)


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

    num_branches: int = 4
