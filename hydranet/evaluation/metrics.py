"""What is measured of a network on a split of a data set. Light."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain

from hydranet.errors import InputError
from hydranet.evaluation.dynamic_k import DynamicPoint


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Accuracies and hit rates in percent; loads as shares of images.

    `top1`, `top5`: as the network runs by default. The lists are empty for a static network; their
    entry k − 1 belongs to k fired branches: `top1_by_k`, `top5_by_k`, and `hit_rate_by_k`, how
    often the subtask of the true class is among the fired branches, empty too where branches have
    no subtasks. `top1_perfect_gate_by_k`: top-1 if the gate ranked the branch of the label's
    subtask first, so entry 0 is that branch alone; empty without subtasks, and on cards from before
    it was measured. `branch_load`: share of images that fire each branch at the default k.
    `dynamic`: top-1 and mean cost as the threshold of dynamic k rises, empty where no gate chooses.
    """

    images: int
    top1: float
    top5: float
    top1_by_k: list[float] = field(default_factory=list)
    top5_by_k: list[float] = field(default_factory=list)
    hit_rate_by_k: list[float] = field(default_factory=list)
    top1_perfect_gate_by_k: list[float] = field(default_factory=list)
    branch_load: list[float] = field(default_factory=list)
    dynamic: list[DynamicPoint] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.images < 1:
            raise InputError(f"Metrics need at least one image, not {self.images}.")
        by_k = [self.top1_by_k, self.top5_by_k, self.hit_rate_by_k, self.top1_perfect_gate_by_k]
        percentages = [self.top1, self.top5, *chain.from_iterable(by_k)]
        if not all(0 <= value <= 100 for value in percentages):
            raise InputError("Accuracies and hit rates must lie in 0 to 100 percent.")
        lengths = {len(values) for values in (self.top1_by_k, self.top5_by_k, self.branch_load)}
        lengths |= {len(values) for values in by_k[2:] if values}
        if len(lengths) > 1:
            raise InputError("Metrics by k and by branch must have one entry for each branch.")
