"""Exact costs of a network, by part and by route, from its configuration alone. Light: no torch.

Convention: MACs are multiply–accumulates of convolution and linear layers, and of the two products
of an attention, for one image (one multiply and one add count 1); batch norm is folded, pooling and
activations are free. The paper's "MADDs" are 2 × MACs, and so is what torch's `FlopCounterMode`
says. Parameters are everything that is learned: weights, biases, a norm's scale and shift.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from hydranet.config import ArchitectureConfig, DynamicConfig, HydraConfig, MultiHeadConfig
from hydranet.costs.parts import NOTHING, Cost, hydra_part_costs, linear, part_costs


@dataclass(frozen=True)
class Costs:
    """What a network costs for one image.

    By part: `stem`, `gate`, one `branch`, `combiner`, with `num_branches` (N) and `k`. A static
    network is all stem, since every input runs all of it. A multi-head network has neither gate nor
    combiner to pay for, and its heads are the branches.

    `branches`: of each branch, where they differ; `branch` is then the dearest. `passages`: what of
    each branch runs too where a later one in the row does. `rows`: how many tokens of an image have
    a route of their own, each 1/`rows` of a branch's MACs.
    """

    stem: Cost = NOTHING
    gate: Cost = NOTHING
    branch: Cost = NOTHING
    combiner: Cost = NOTHING
    num_branches: int = 0
    k: int = 0
    branches: tuple[Cost, ...] = ()
    passages: tuple[Cost, ...] = ()
    rows: int = 1

    @cached_property
    def each(self) -> tuple[Cost, ...]:
        """Of every branch."""
        return self.branches or (self.branch,) * self.num_branches

    @cached_property
    def parameters(self) -> int:
        """Of the whole network, all branches included."""
        parts = self.stem.parameters + self.gate.parameters + self.combiner.parameters
        return parts + sum(branch.parameters for branch in self.each)

    @cached_property
    def routed_macs(self) -> int:
        """MACs of one image that fires k branches; of the whole network where it is static."""
        return self.macs(self.k)

    @cached_property
    def all_branches_macs(self) -> int:
        """MACs of one image if every branch ran."""
        return self.macs(self.num_branches)

    def macs(self, fired: int) -> int:
        """MACs of one image that fires `fired` branches; the first ones, where they differ."""
        return self._of_first[fired]

    @cached_property
    def always(self) -> int:
        """MACs of what every image runs."""
        return self.stem.macs + self.gate.macs + self.combiner.macs

    @cached_property
    def _of_first(self) -> tuple[int, ...]:
        return tuple(accumulate((branch.macs for branch in self.each), initial=self.always))

    def branch_macs(
        self, fired: Sequence[int], tokens: Sequence[int] | None = None
    ) -> tuple[int, ...]:
        """MACs of one image on each of the branches `fired`, in their order.

        `tokens`: on how many of the image's rows each ran, all unless given. Of branches in a row,
        what had to run before one and is no branch that fired counts as that one's.
        """
        spent = {branch: self.each[branch].macs for branch in fired}
        if tokens is not None:
            ran = dict(zip(fired, tokens, strict=True))
            spent = {b: macs * ran[b] // self.rows for b, macs in spent.items()}
        if self.passages:
            before = 0
            for branch in range(max(fired, default=-1) + 1):
                if branch in spent:
                    spent[branch] += before
                    before = 0
                else:
                    before += self.passages[branch].macs
        return tuple(spent[branch] for branch in fired)

    def macs_of(self, masks: NDArray[np.bool_]) -> NDArray[np.int64]:
        """MACs of one image on each of many routes: (S, N), which branches fire → (S,)."""
        spent = self.always + masks @ np.array([branch.macs for branch in self.each], np.int64)
        if self.passages:
            place = np.arange(self.num_branches)
            last = np.where(masks, place, -1).max(axis=1)  # (S,)
            passed = ~masks & (place < last[:, None])  # (S, N)
            spent = spent + passed @ np.array([part.macs for part in self.passages], np.int64)
        return np.asarray(spent, np.int64)

    def macs_json(self) -> dict[str, int | list[int]]:
        """MACs by part, routed and with all branches, under the names that `--json` prints; those
        of each branch where they differ."""
        each = {"branches": [branch.macs for branch in self.branches]} if self.branches else {}
        return {
            **each,
            "stem": self.stem.macs,
            "gate": self.gate.macs,
            "branch": self.branch.macs,
            "combiner": self.combiner.macs,
            "routed": self.routed_macs,
            "all_branches": self.all_branches_macs,
        }


def count_costs(config: ArchitectureConfig) -> Costs:
    """The costs of the network that `config` describes, for one image of its size.

    Examples:
        >>> from hydranet.registry import model_config
        >>> costs = count_costs(model_config("hydra_res_d1"))
        >>> costs.routed_macs, costs.all_branches_macs, costs.macs(fired=1)
        (26418688, 83107328, 15789568)

    Raises:
        InputError: the family is unknown.
    """
    if isinstance(config, DynamicConfig):
        return config.costs()
    whole = part_costs(config)
    return Costs(stem=whole.stem + whole.body + linear(whole.features, config.num_classes))


def hydra_costs(config: HydraConfig) -> Costs:
    """The same of a HydraNet."""
    parts, many_heads = hydra_part_costs(config), isinstance(config, MultiHeadConfig)
    return Costs(
        stem=parts.stem,
        gate=NOTHING
        if many_heads
        else parts.gate + linear(parts.gate_features, config.num_branches),
        branch=parts.branch,
        combiner=NOTHING if many_heads else linear(parts.features, config.num_classes),
        num_branches=config.num_branches,
        k=config.k,
    )
