"""Exact costs of a network, by part and by route, from its configuration alone. Light: no torch.

Convention: MACs are multiply–accumulates of convolution and linear layers for one image (one
multiply and one add count 1); batch norm is folded, pooling and activations are free. The paper's
"MADDs" are 2 × MACs, and so is what `torch.utils.flop_counter.FlopCounterMode` says. Parameters are
everything that is learned: weights, biases, batch norm's scale and shift.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from hydranet.config import ArchitectureConfig, HydraConfig, MultiHeadConfig
from hydranet.part_costs import NOTHING, Cost, hydra_part_costs, linear, part_costs

__all__ = ["Cost", "Costs", "count_costs"]


@dataclass(frozen=True)
class Costs:
    """What a network costs for one image.

    By part: `stem`, `gate`, one `branch`, `combiner`, with `num_branches` (N) and `k`. A static
    network is all stem, since every input runs all of it. A multi-head network has neither gate nor
    combiner to pay for, and its heads are the branches.
    """

    stem: Cost = NOTHING
    gate: Cost = NOTHING
    branch: Cost = NOTHING
    combiner: Cost = NOTHING
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
    """The costs of the network that `config` describes, for one image of its size.

    Examples:
        >>> from hydranet.registry import model_config
        >>> costs = count_costs(model_config("hydra_res_d1"))
        >>> costs.routed_macs, costs.all_branches_macs, costs.macs(fired=1)
        (26418688, 83107328, 15789568)

    Raises:
        InputError: the family is unknown.
    """
    classes = config.num_classes
    if not isinstance(config, HydraConfig):
        whole = part_costs(config)
        return Costs(stem=whole.stem + whole.body + linear(whole.features, classes))
    parts, many_heads = hydra_part_costs(config), isinstance(config, MultiHeadConfig)
    return Costs(
        stem=parts.stem,
        gate=NOTHING
        if many_heads
        else parts.gate + linear(parts.gate_features, config.num_branches),
        branch=parts.branch,
        combiner=NOTHING if many_heads else linear(parts.features, classes),
        num_branches=config.num_branches,
        k=config.k,
    )
