"""What the picture of one route needs to know. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from hydranet.checkpoints.card import Card
from hydranet.routing.answer import Answer
from hydranet.routing.switchboard import Switchboard


@dataclass(frozen=True)
class Look:
    """What the picture of one route needs to know; `row_height` in pixels."""

    card: Card
    found: Answer
    board: Switchboard | None
    row_height: float

    @cached_property
    def count(self) -> int:
        """How many branches there are."""
        return self.card.costs.num_branches

    @cached_property
    def rows(self) -> list[float]:
        """Where each branch stands: the first on top."""
        return [float(self.count - 1 - branch) for branch in range(self.count)]

    @property
    def middle(self) -> float:
        """Where the parts that always run stand."""
        return (self.count - 1) / 2

    @property
    def gated(self) -> bool:
        """Whether a gate chooses."""
        return bool(self.card.policy.gate)

    @property
    def heading(self) -> str:
        """Over the branches: what they are, and what their bars are."""
        policy = self.card.policy
        if self.gated and not policy.by_token:
            return f"{policy.branches}, {policy.gate}'s confidence"
        return f"{policy.branches}, weight in the answer"

    @property
    def threshold(self) -> float:
        """How much a branch must be wanted to run."""
        return self.card.threshold if self.board is None else self.board.threshold

    @cached_property
    def weights(self) -> dict[int, float]:
        """Of the fired branches, in the answer."""
        return dict(zip(self.found.fired, self.found.weights, strict=True))

    @cached_property
    def shares(self) -> list[float]:
        """The length of each branch's bar, from 0 to 1."""
        if self.gated and not self.card.policy.by_token:
            return [float(share) for share in self.found.gate_confidence]
        return [self.weights.get(branch, 0.0) for branch in range(self.count)]

    def switched(self, branch: int) -> str:
        """ "on" or "off" where the visitor decided about the branch, else nothing."""
        if self.board is None:
            return ""
        return "on" if branch in self.board.on else "off" if branch in self.board.off else ""
