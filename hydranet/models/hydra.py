"""A HydraNet: stem → gate → the k branches that it chooses → combiner.

Source: "HydraNets: Specialized Dynamic Architectures for Efficient Inference", Mullapudi, Mark,
Shazeer, Fatahalian, CVPR 2018, section 3.
"""

from __future__ import annotations

from torch import Tensor, nn

from hydranet.config import HydraConfig, MultiHeadConfig
from hydranet.models.combiner import Combiner
from hydranet.models.dynamic import DynamicNetwork
from hydranet.models.families import hydra_parts_of
from hydranet.models.gate import Gate
from hydranet.models.multihead import AllHeads, MeanOfLogits
from hydranet.models.parts import Body, initialise


class Branch(nn.Module):
    """A component that is meant for one subtask: computes features, not predictions.

    `projection`: what stands behind the body: a linear layer from D to D, nothing, or, in a
    multi-head network, the head's own classifier.
    """

    def __init__(self, body: Body, projection: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.projection = projection

    def forward(self, stem_features: Tensor) -> Tensor:
        """(B, c, H, W) → (B, D)."""
        return self.projection(self.body(stem_features))


class HydraNet(DynamicNetwork):
    """A wide network of which each input runs only a part: see `DynamicNetwork`."""

    config: HydraConfig
    gate: Gate | AllHeads
    combiner: Combiner | MeanOfLogits

    def __init__(self, config: HydraConfig) -> None:
        super().__init__()
        parts, classes, count = hydra_parts_of(config), config.num_classes, config.num_branches
        many_heads = isinstance(config, MultiHeadConfig)
        self.config = config
        self.stem = parts.stem()
        self.gate = AllHeads(count) if many_heads else Gate(parts.gate, count)
        branch = parts.branch
        self.branches = nn.ModuleList(Branch(branch.body(), branch.neck()) for _ in range(count))
        self.combiner = MeanOfLogits(classes) if many_heads else Combiner(branch.features, classes)
        initialise(self)
