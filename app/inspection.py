"""What the page Inspect looks at: one network, one image, one route. Draws nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app import services
from app.comparing.setting import AtSetting, at_setting
from app.intake import Intake
from app.words.classes import readable_names
from hydranet.checkpoints import Checkpoint
from hydranet.checkpoints.card import Card
from hydranet.routing.answer import Answer
from hydranet.routing.switchboard import Examined, Switchboard

if TYPE_CHECKING:
    from hydranet.timing import Timing


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """One image seen by one network.

    `board` and `examined` are None for a static network; `found` is the answer on the route that
    the board gives, and `timing` how long the `engine` of that name took for it; `pixels`: (side,
    side, 3) uint8, what the network sees. `asked`: the class that the visitor asks about, None for
    the answer.
    """

    checkpoint: Checkpoint
    intake: Intake
    board: Switchboard | None
    examined: Examined | None
    found: Answer
    pixels: NDArray[np.uint8]
    timing: Timing
    engine: str
    asked: int | None = None

    @property
    def class_in_question(self) -> int:
        """The class that is asked about; the answer unless the visitor chose another."""
        return self.found.best if self.asked is None else self.asked

    @property
    def rival(self) -> int:
        """The most probable class but the one in question."""
        return next(c for c, _ in self.found.top(2) if c != self.class_in_question)

    @property
    def card(self) -> Card:
        """The checkpoint's."""
        return self.checkpoint.card

    def class_name(self, index: int) -> str:
        """A class as it is read."""
        return readable_names(self.card.class_names)[index]

    @property
    def otherwise(self) -> str:
        """Within a sentence about its test images: that they ran with the network's own settings,
        where this one did not; else empty."""
        own = self.board == own_board(self.card)
        return "" if own else ", with its own settings instead of these,"

    @cached_property
    def measured(self) -> AtSetting | None:
        """What was measured on the test split as the switchboard stands."""
        return at_setting(self.card, self.board, services.route_log_if_any(self.checkpoint))


def _timing(checkpoint: Checkpoint, board: Switchboard | None, found: Answer) -> Timing:
    """Of the route; where every token has its own, of as many branches for each."""
    if board is None or checkpoint.card.policy.by_token:
        return services.timing(checkpoint, None, k=None if board is None else board.k)
    return services.timing(checkpoint, found.fired)


def own_board(card: Card) -> Switchboard | None:
    """The settings by which a network runs by itself; None for a static one."""
    costs = card.costs
    return Switchboard(k=costs.k, threshold=card.threshold) if costs.num_branches else None


def inspect(checkpoint: Checkpoint, intake: Intake, board: Switchboard | None) -> Inspection:
    """Run the network as far as it was not run on this image before, and time the route.

    Raises:
        InputError: the checkpoint is damaged, or the board leaves nothing to run.
    """
    examined, engine = None, services.engine(checkpoint).name
    if board is None:
        found, pixels = services.answered(checkpoint, intake)
    else:
        examined = services.examined(checkpoint, intake)
        examined = examined.at(board)
        found, pixels = examined.run(board), examined.pixels
    return Inspection(
        checkpoint=checkpoint, intake=intake, board=board, examined=examined, found=found,
        pixels=pixels, engine=engine,
        timing=_timing(checkpoint, board, found),
    )  # fmt: skip
