"""A HydraNet: stem → gate → the k branches that it chooses → combiner.

Source: "HydraNets: Specialized Dynamic Architectures for Efficient Inference", Mullapudi, Mark,
Shazeer, Fatahalian, CVPR 2018, section 3.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from hydranet.config import HydraResConfig
from hydranet.engines import get_engine
from hydranet.errors import InputError
from hydranet.models.blocks import PooledStage, ResidualStem, initialise
from hydranet.models.combiner import Combiner
from hydranet.models.gate import Gate
from hydranet.models.network import Network
from hydranet.routing import Route, dynamic_route, top_k_route


class HydraOutput(NamedTuple):
    """What one forward gives for B images.

    `logits`: (B, C); `gate_scores`: (B, N), of all branches; `route`: what fired, with what weight;
    `features`: (B, k, D), of the fired branches, zero where the route is padded.
    """

    logits: Tensor
    gate_scores: Tensor
    route: Route
    features: Tensor


class Branch(nn.Module):
    """A component that is meant for one subtask: computes features, not predictions."""

    def __init__(self, widths: tuple[int, ...], *, blocks: int) -> None:
        super().__init__()
        self.body = PooledStage(widths, blocks=blocks)
        self.projection = nn.Linear(widths[2], widths[2])

    def forward(self, stem_features: Tensor) -> Tensor:
        """(B, widths[1], H, W) → (B, widths[2])."""
        return self.projection(self.body(stem_features))


class HydraNet(Network):
    """A wide network of which each input runs only a part.

    Attributes: `stem`, `gate`, `branches` (N of them), `combiner`, `config`.
    """

    def __init__(self, config: HydraResConfig) -> None:
        super().__init__()
        widths, d = config.widths, config.d
        self.config: HydraResConfig = config
        self.stem = ResidualStem(widths, blocks=d)
        self.gate = Gate(widths, blocks=d, num_branches=config.num_branches)
        self.branches = nn.ModuleList(Branch(widths, blocks=d) for _ in range(config.num_branches))
        self.combiner = Combiner(widths[2], config.num_classes)
        initialise(self)

    def forward(
        self,
        x: Tensor,
        *,
        k: int | None = None,
        threshold: float = 0.0,
        route: Route | None = None,
        engine: str = "eager",
    ) -> HydraOutput:
        """Run B images.

        `x`: (B, 3, H, W), normalised. `k`: how many branches fire for each image (the
        configuration's unless given). `threshold`: dynamic k, of those k only the branches that
        the gate is at least so confident of, see `routing.dynamic_route`. `route`: fires exactly
        these, with these weights, instead of asking the gate: that is what holding the route still
        means. `engine`: how the route is executed, see `hydranet.engines`.

        Raises:
            InputError: k or the threshold is out of range, one of them is given with a route, or
                the route does not fit the images or the network.
        """
        stem_features = self.stem(x)
        gate_scores = self.gate(stem_features)  # (B, N)
        if route is None:
            k = self.config.k if k is None else k
            route = (
                dynamic_route(gate_scores, k, threshold)
                if threshold
                else top_k_route(gate_scores, k)
            )
        else:
            self._check_given(route, k, threshold, len(x))
        features = get_engine(engine)(self.branches, stem_features, route)  # (B, k, D)
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
