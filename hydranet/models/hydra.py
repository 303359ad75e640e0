"""A HydraNet: stem → gate → the k branches that it chooses → combiner.

Source: "HydraNets: Specialized Dynamic Architectures for Efficient Inference", Mullapudi, Mark,
Shazeer, Fatahalian, CVPR 2018, section 3.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from hydranet.config import HydraConfig, MultiHeadConfig
from hydranet.errors import InputError
from hydranet.executions import get_execution
from hydranet.models.combiner import Combiner
from hydranet.models.families import hydra_parts_of
from hydranet.models.gate import Gate
from hydranet.models.multihead import AllHeads, MeanOfLogits
from hydranet.models.network import Network
from hydranet.models.parts import Body, initialise
from hydranet.routing import Route


class HydraOutput(NamedTuple):
    """What one forward gives for B images.

    `logits`: (B, C); `gate_scores`: (B, N), of all branches; `route`: what fired, with what weight;
    `features`: (B, k, D), of the fired branches, zero where the route is padded; in a multi-head
    network the heads' logits, D = C.
    """

    logits: Tensor
    gate_scores: Tensor
    route: Route
    features: Tensor


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


class HydraNet(Network):
    """A wide network of which each input runs only a part.

    Attributes: `stem`, `gate`, `branches` (N of them), `combiner`, `config`.
    """

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

    def forward(
        self,
        x: Tensor,
        *,
        k: int | None = None,
        threshold: float = 0.0,
        route: Route | None = None,
        execution: str = "eager",
    ) -> HydraOutput:
        """Run B images.

        `x`: (B, 3, H, W), normalised. `k`: how many branches fire for each image (the
        configuration's unless given). `threshold`: dynamic k, of those k only the branches that
        the gate is at least so confident of, see `routing.dynamic_route`. `route`: fires exactly
        these, with these weights, instead of asking the gate: that is what holding the route still
        means. `execution`: how the route is executed, see `hydranet.executions`.

        Raises:
            InputError: k or the threshold is out of range, one of them is given with a route, or
                the route does not fit the images or the network.
        """
        stem_features = self.stem(x)
        gate_scores = self.gate(stem_features)  # (B, N)
        if route is None:
            k = self.config.k if k is None else k
            route = self.gate.route(gate_scores, k, threshold=threshold)
        else:
            self._check_given(route, k, threshold, len(x))
        features = get_execution(execution)(self.branches, stem_features, route)  # (B, k, D)
        logits = self.combiner(features, route.weights)
        return HydraOutput(logits, gate_scores, route, features)

    def _check_given(self, route: Route, k: int | None, threshold: float, images: int) -> None:
        if k is not None or threshold:
            raise InputError(
                "Give either a route or k and threshold, not both: a route says which branches run."
            )
        if route.num_branches != self.config.num_branches or len(route.indices) != images:
            raise InputError(
                f"The route is for {len(route.indices)} images and {route.num_branches} branches, "
                f"but there are {images} images and {self.config.num_branches} branches."
            )
        route.check()
