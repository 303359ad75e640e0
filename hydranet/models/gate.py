"""The gate: scores every branch from the stem's features.

Source: HydraNets, CVPR 2018, section 3. Its layers are those that reproduce the printed costs.
"""

from __future__ import annotations

from torch import Tensor, nn

from hydranet.models.blocks import PooledStage


class Gate(nn.Module):
    """A last stage of its own, then one linear score a branch."""

    def __init__(self, widths: tuple[int, ...], *, blocks: int, num_branches: int) -> None:
        super().__init__()
        self.body = PooledStage(widths, blocks=blocks)
        self.score = nn.Linear(widths[2], num_branches)

    def forward(self, stem_features: Tensor) -> Tensor:
        """(B, widths[1], H, W) → (B, N) scores; a softmax over them is the gate's confidence."""
        return self.score(self.body(stem_features))
