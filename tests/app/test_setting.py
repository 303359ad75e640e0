"""Top-1 belongs to a setting of the switchboard, not to how many branches one image ran."""

from __future__ import annotations

import pytest

from app.comparing.setting import AtSetting, at_setting
from hydranet.checkpoints import ROUTES, Checkpoint, find_checkpoint
from hydranet.evaluation.route_log import RouteLog, read_route_log
from hydranet.routing.switchboard import Switchboard

HYDRAS = ["hydra_res_d1", "hydra_res_d2", "hydra_dense_d2"]


def of(name: str) -> tuple[Checkpoint, RouteLog]:
    checkpoint = find_checkpoint(name)
    return checkpoint, read_route_log(checkpoint.folder / ROUTES)


@pytest.mark.parametrize("name", HYDRAS)
def test_every_threshold_on_the_card_comes_out_as_it_stands_there(name: str) -> None:
    checkpoint, log = of(name)
    card = checkpoint.card
    assert len(card.test.dynamic) > 10
    for point in card.test.dynamic:
        found = at_setting(card, Switchboard(k=card.costs.k, threshold=point.threshold), log)
        assert found is not None
        assert found.top1 == pytest.approx(point.top1, abs=0.011)
        assert found.mean_macs == pytest.approx(point.mean_macs, rel=1e-3)


def test_a_threshold_between_those_and_with_another_k() -> None:
    checkpoint, log = of("hydra_res_d2")
    card = checkpoint.card
    found = {
        k: at_setting(card, Switchboard(k=k, threshold=0.11), log) for k in (1, card.costs.k, 20)
    }
    assert found[1] == AtSetting(card.test.top1_by_k[0], card.costs.macs(1)), "one always runs"
    several = found[card.costs.k]
    assert several is not None
    assert card.costs.macs(1) < several.mean_macs < card.costs.macs(card.costs.k)
    assert several.top1 > card.test.top1_by_k[0]


def test_k_alone_is_on_the_card_and_needs_no_log() -> None:
    card = find_checkpoint("hydra_res_d1").card
    for k in (1, 4, 20):
        found = at_setting(card, Switchboard(k=k), None)
        assert found == AtSetting(card.test.top1_by_k[k - 1], card.costs.macs(k))
    static = find_checkpoint("resnet14").card
    assert at_setting(static, None, None) == AtSetting(static.test.top1, static.costs.routed_macs)


def test_what_no_test_image_was_routed_by_has_no_accuracy() -> None:
    checkpoint, log = of("hydra_res_d1")
    for board in (
        Switchboard(k=4, on=frozenset({3})),
        Switchboard(k=4, off=frozenset({16}), threshold=0.07),
    ):
        assert at_setting(checkpoint.card, board, log) is None
    assert at_setting(checkpoint.card, Switchboard(k=4, threshold=0.07), None) is None
