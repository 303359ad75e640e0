"""The gate: scores every branch from the stem's features, and makes the route of the scores.

Source: HydraNets, CVPR 2018, section 3. Its layers are those that reproduce the printed costs.
"""

from __future__ import annotations

from torch import Tensor, nn

from hydranet.models.parts import Tail
from hydranet.routing.routes import Route, dynamic_route, top_k_route


class Gate(nn.Module):
    """A body of its own, then one linear score a branch."""

    def __init__(self, tail: Tail, num_branches: int) -> None:
        super().__init__()
        self.body = tail.body()
        self.score = nn.Linear(tail.pooled, num_branches)

    def forward(self, stem_features: Tensor) -> Tensor:
        """(B, c, H, W) → (B, N) scores; a softmax over them is the gate's confidence."""
        return self.score(self.body(stem_features))

    def route(self, gate_scores: Tensor, k: int, *, threshold: float = 0.0) -> Route:
        """The k best-scored branches, less those that the gate is not confident of.

        `gate_scores`: (B, N); `threshold`: see `routing.dynamic_route`, which also says what is
        raised.
        """
        if threshold:
            return dynamic_route(gate_scores, k, threshold)
        return top_k_route(gate_scores, k)
