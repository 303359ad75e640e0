"""Other routes of one image: complete, each as the network answers it, regret as defined."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hydranet.checkpoints import load
from hydranet.costs import Cost, Costs
from hydranet.errors import InputError
from hydranet.routing.choices import BEST_SCORED, every_subset, single_changes
from hydranet.routing.examination import examine
from hydranet.routing.switchboard import Examined, Switchboard

PICTURE = np.random.default_rng(4).integers(0, 256, (20, 20, 3), dtype=np.uint8)


@pytest.fixture
def examined(tmp_path: Path, make_checkpoint: Any) -> Examined:
    return examine(load(make_checkpoint("hydra", tmp_path)), PICTURE)


def random_examined(num_branches: int) -> Examined:
    rng = np.random.default_rng(num_branches)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    return Examined(
        pixels=np.zeros((8, 8, 3), np.uint8),
        gate_scores=draw(num_branches),
        features=3 * draw(num_branches, 5),
        output_weight=draw(7, 5),
        output_bias=draw(7),
        costs=Costs(branch=Cost(1, 10), num_branches=num_branches, k=2),
    )


def test_single_changes_are_all_routes_that_differ_in_one_branch(examined: Examined) -> None:
    order = [int(b) for b in np.argsort(-examined.gate_scores)]
    fired = order[:2]
    changes = {change.branch: change for change in single_changes(examined, fired, 3)}
    assert set(changes) == {0, 1, 2, 3}
    for branch, change in changes.items():
        expected = examined.answer(set(fired) ^ {branch})
        assert change.added == (branch not in fired)
        assert change.probability == pytest.approx(float(expected.probabilities[3]), abs=1e-5)
        assert change.answer == expected.best


def test_the_only_branch_is_not_removed(examined: Examined) -> None:
    assert {change.branch for change in single_changes(examined, [2], 0)} == {0, 1, 3}


def test_every_subset_of_a_small_network_by_brute_force() -> None:
    examined = random_examined(5)
    fired = tuple(np.argsort(-examined.gate_scores)[:2].tolist())
    subsets = every_subset(examined, fired, 4)
    routes = [set(c) for size in range(1, 6) for c in combinations(range(5), size)]
    assert sorted(map(sorted, routes)) == sorted(
        sorted(subsets.fired(i)) for i in range(len(subsets.masks))
    )
    p = {frozenset(r): float(examined.answer(r).probabilities[4]) for r in routes}
    for i in range(len(subsets.masks)):
        route = frozenset(subsets.fired(i))
        assert subsets.probability[i] == pytest.approx(p[route], abs=1e-5)
        assert subsets.macs[i] == 10 * len(route)
        assert subsets.answers[i] == examined.answer(route).best
    assert set(subsets.fired(subsets.chosen)) == set(fired)
    best = max(value for route, value in p.items() if len(route) <= 2)
    assert subsets.probability[subsets.best] == pytest.approx(best, abs=1e-5)
    assert subsets.regret == pytest.approx(best - p[frozenset(fired)], abs=1e-5)
    assert subsets.regret > 0.01, "the brute force must find something to regret"


def test_a_large_network_tries_its_best_scored_branches_and_the_route_that_ran() -> None:
    examined = random_examined(20)
    order = np.argsort(-examined.gate_scores).tolist()
    subsets = every_subset(examined, order[:4], 0)
    assert subsets.pool == tuple(order[:BEST_SCORED])
    assert len(subsets.masks) == 2**BEST_SCORED - 1
    outside = every_subset(examined, order[-3:], 0)
    assert len(outside.masks) == 2**BEST_SCORED
    assert set(outside.fired(outside.chosen)) == set(order[-3:])
    assert outside.regret >= 0


def test_where_nothing_is_better_the_route_itself_is_the_best() -> None:
    examined = random_examined(4)
    first = every_subset(examined, (0, 1, 2, 3), 0)
    again = every_subset(examined, first.fired(first.best), 0)
    assert again.best == again.chosen
    assert again.regret == 0


@pytest.mark.parametrize("tied", [False, True])
def test_any_route_can_be_set_on_the_switchboard(tied: bool) -> None:
    scores = random_examined(6).gate_scores
    if tied:
        scores[:] = 0
    for size in range(1, 7):
        for route in combinations(range(6), size):
            board = Switchboard.firing(route, scores)
            assert set(board.fired(scores)) == set(route)
            assert not board.on
            assert not board.threshold
    assert Switchboard.firing([int(scores.argmax())], scores).off == frozenset()


@pytest.mark.parametrize("route", [[], [6], [-1, 2]])
def test_a_route_that_cannot_be_set_is_refused(route: list[int]) -> None:
    with pytest.raises(InputError, match="from 0 to 5"):
        Switchboard.firing(route, random_examined(6).gate_scores)
