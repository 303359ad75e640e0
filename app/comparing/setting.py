"""What was measured of a network at the setting of a switchboard. Draws nothing."""

from __future__ import annotations

from dataclasses import dataclass

from app.comparing.baseline import top1_of_route
from hydranet.checkpoints.card import Card
from hydranet.evaluation.dynamic_k import dynamic_point
from hydranet.evaluation.route_log import RouteLog
from hydranet.routing.switchboard import Switchboard


@dataclass(frozen=True)
class AtSetting:
    """On the test split: top-1 in percent, and MACs an image on average."""

    top1: float
    mean_macs: float


def at_setting(card: Card, board: Switchboard | None, log: RouteLog | None) -> AtSetting | None:
    """With k and the threshold of the board; of a static network, all of it. None where nothing
    was measured so: with a branch switched by hand, or at a threshold without the routes of the
    test images (`log`).

    An image that few branches run for is an easy one as a rule, so it is the setting that has an
    accuracy, and not the number of branches that ran.
    """
    costs = card.costs
    if board is None:
        return AtSetting(card.test.top1, costs.routed_macs)
    if board.on or board.off:
        return None
    if (board.k, board.threshold) == (costs.k, card.threshold):
        return AtSetting(card.test.top1, card.mean_macs)
    if not board.threshold:
        return AtSetting(top1_of_route(card, board.k), costs.macs(board.k))
    if log is None or log.gate_scores is None or log.correct_by_k is None or card.policy.by_token:
        return None
    found = dynamic_point(
        log.gate_scores, log.correct_by_k, costs,
        k=board.k, threshold=board.threshold, policy=card.policy,
    )  # fmt: skip
    return AtSetting(found.top1, found.mean_macs)
