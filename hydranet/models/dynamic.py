"""The protocol of a dynamic network: what pages, engines, evaluation and training need of one.

A network of one's own keeps to it by four parts and a `Route`: a `stem` that every input runs, a
`gate` or policy that makes a route, `branches` of which only those on the route run, and a
`combiner` that joins them. What is not as in a HydraNet is said by overriding a method.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor, nn

from hydranet.config import DynamicConfig
from hydranet.errors import InputError
from hydranet.executions import get_execution
from hydranet.executions.reference import all_branch_features
from hydranet.models.combiner import weighted_sum
from hydranet.models.network import Network
from hydranet.models.parts import maps_of
from hydranet.routing.routes import Route, weighed

OfTensor = Callable[[Tensor], Tensor]


class DynamicOutput(NamedTuple):
    """What one forward gives for B images, of R rows: one for an image, or one for a token of it.

    `logits`: (B, C); `gate_scores`: (R, N), of all branches; `route`: of R rows, what fired, with
    what weight; `features`: (R, k, D), of the fired branches, zero where the route is padded; where
    each branch answers, its logits, D = C.
    """

    logits: Tensor
    gate_scores: Tensor
    route: Route
    features: Tensor


class Every(NamedTuple):
    """What B images make of a network of which all runs: `stem_features` (R, …), `gate_scores`
    (R, N), and `features` (R, N, D) of all branches."""

    stem_features: Tensor
    gate_scores: Tensor
    features: Tensor


class ImageView(NamedTuple):
    """What a forward gives, by image: `gate_scores` (B, N), and of the branches that ran, first
    those that count most, `fired` (B, k), `PADDING` behind the last, their `weights` (B, k),
    `features` (B, k, D), and on how many of the image's rows each ran, `rows` (B, k), None where an
    image has one."""

    gate_scores: Tensor
    fired: Tensor
    weights: Tensor
    features: Tensor
    rows: Tensor | None


class DynamicNetwork(Network):
    """A network of which each input runs only a part.

    Attributes: `stem`, `gate`, `branches` (N of them), `combiner`, `config`. `gate` has a method
    `route(gate_scores, k, threshold=…)`; `combiner(features, weights)` gives logits, and, where it
    adds the branches up, has `shares` and `matrix` as `Combiner` has.
    """

    config: DynamicConfig
    gate: Any
    branches: nn.ModuleList
    combiner: Any

    @property
    def rows(self) -> int:
        """How many rows a route has for an image: one, or one for each of its tokens."""
        return 1

    def forward(
        self,
        x: Tensor,
        *,
        k: int | None = None,
        threshold: float | None = None,
        route: Route | None = None,
        execution: str = "eager",
    ) -> DynamicOutput:
        """Run B images.

        `x`: (B, 3, H, W), normalised. `k`: how many branches fire for each row; `threshold`:
        dynamic k, of those k only the branches that are wanted at least so much, see
        `routing.dynamic_route` (both the configuration's unless given). `route`: fires exactly
        these, with these weights, instead of asking the gate: that is what holding the route still
        means. `execution`: how the route is executed, see `hydranet.executions`.

        Raises:
            InputError: k or the threshold is out of range, one of them is given with a route, or
                the route does not fit the images or the network.
        """
        stem_features = self.stem(x)
        gate_scores = self.scores(stem_features)  # (R, N)
        if route is None:
            route = self.own_route(gate_scores, k, threshold)
        else:
            self.check_given(route, k, threshold, len(gate_scores))
        features = get_execution(execution)(self.branches, stem_features, route)  # (R, k, D)
        logits = self.join(features, route.weights, stem_features)
        return DynamicOutput(logits, gate_scores, route, features)

    def scores(self, stem_features: Tensor) -> Tensor:
        """(R, …) stem features → (R, N) scores of all branches."""
        return self.gate(stem_features)

    def own_route(self, gate_scores: Tensor, k: int | None, threshold: float | None) -> Route:
        """The route that the gate chooses of the scores (R, N)."""
        k = self.config.k if k is None else k
        threshold = self.config.threshold if threshold is None else threshold
        return self.gate.route(gate_scores, k, threshold=threshold)

    def given_route(self, gate_scores: Tensor, fired: Tensor) -> Route:
        """The route of the branches in `fired` (R, k), `PADDING` where none, in the policy's order,
        weighted as the policy weighs them."""
        return weighed(self.config.policy, gate_scores, fired)

    def join(self, features: Tensor, weights: Tensor, stem_features: Tensor) -> Tensor:
        """(R, k, D) features and (R, k) weights → (B, C) logits. Padding has weight 0."""
        return self.combiner(features, weights)

    def branch_features(self, stem_features: Tensor, branch: int) -> Tensor:
        """What one branch makes of the stem's features: (R, D)."""
        return self.branches[branch](stem_features)

    def cut(self, branch: int) -> tuple[OfTensor, OfTensor]:
        """A branch cut at its feature maps: from the stem's features to them, (R, channels, h, w),
        and from the pooled maps, (R, channels), to its features. Raises InputError if it has none.
        """
        owner: Any = self.branches[branch]
        return maps_of(owner, f"A {self.config.policy.branch}"), owner.projection

    def all_features(self, stem_features: Tensor) -> Tensor:
        """Of every branch: (R, N, D)."""
        return all_branch_features(self.branches, stem_features)

    def every(self, x: Tensor) -> Every:
        """All of it, run on (B, 3, H, W) normalised images."""
        stem_features = self.stem(x)
        return Every(stem_features, self.scores(stem_features), self.all_features(stem_features))

    def answer(self, every: Every, route: Route) -> Tensor:
        """The logits (B, C) on a route, of what has been computed."""
        features = in_order(every.features, route.indices.clamp(min=0))  # (R, k, D)
        return self.join(features, route.weights, every.stem_features)

    def pooled(self, every: Every, route: Route) -> Tensor:
        """What the output layer sees on a route: (B, D)."""
        features = in_order(every.features, route.indices.clamp(min=0))
        return weighted_sum(features, route.weights)

    def image_view(self, output: DynamicOutput) -> ImageView:
        """The same by image, where images have rows of their own."""
        route = output.route
        return ImageView(output.gate_scores, route.indices, route.weights, output.features, None)

    def check_given(self, route: Route, k: int | None, threshold: float | None, rows: int) -> None:
        """Raise InputError unless a given route fits, and neither k nor a threshold is given."""
        if k is not None or threshold:
            raise InputError(
                "Give either a route or k and threshold, not both: a route says which branches run."
            )
        if route.num_branches != self.config.num_branches or len(route.indices) != rows:
            raise InputError(
                f"The route is for {len(route.indices)} images and {route.num_branches} branches, "
                f"but there are {rows} images and {self.config.num_branches} branches."
            )
        route.check()


def in_order(features: Tensor, branches: Tensor) -> Tensor:
    """(R, N, D) features and (R, k) branches → (R, k, D)."""
    return features.gather(1, branches[:, :, None].expand(-1, -1, features.shape[2]))
