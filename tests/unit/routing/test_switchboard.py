"""The switchboard gives what the network itself gives on the same route."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hydranet.checkpoints import load
from hydranet.errors import InputError
from hydranet.models import HydraNet
from hydranet.prediction import predict
from hydranet.routing.examination import examine
from hydranet.routing.routes import dynamic_route
from hydranet.routing.switchboard import Examined, Switchboard

N = 4
PICTURE = np.random.default_rng(3).integers(0, 256, (20, 20, 3), dtype=np.uint8)


@pytest.fixture
def hydra(tmp_path: Path, make_checkpoint: Any) -> HydraNet:
    model = load(make_checkpoint("hydra", tmp_path))
    assert isinstance(model, HydraNet)
    return model


@pytest.fixture
def examined(hydra: HydraNet) -> Examined:
    return examine(hydra, PICTURE)


def test_every_route_is_answered_as_the_network_answers_it(
    hydra: HydraNet, examined: Examined
) -> None:
    for size in range(1, N + 1):
        for branches in combinations(range(N), size):
            ours = examined.answer(branches)
            theirs = predict(hydra, [PICTURE], branches=branches, runs=1)[0]
            assert ours.fired == theirs.fired
            assert ours.macs == theirs.macs
            np.testing.assert_allclose(ours.weights, theirs.weights, atol=1e-5)
            np.testing.assert_allclose(ours.logits, theirs.logits, atol=1e-4)
            np.testing.assert_allclose(ours.shares, theirs.shares, atol=1e-4)
            total = ours.shares.sum(axis=0) + examined.output_bias
            np.testing.assert_allclose(total, theirs.logits, atol=1e-4)


def test_many_routes_at_once_are_as_one_by_one(examined: Examined) -> None:
    masks = np.array([[True, False, False, True], [False, True, True, True]])
    at_once = examined.probabilities(masks)
    for mask, row in zip(masks, at_once, strict=True):
        alone = examined.answer(np.flatnonzero(mask).tolist()).probabilities
        np.testing.assert_allclose(row, alone, atol=1e-5)


@pytest.mark.parametrize("k", range(1, N + 1))
def test_left_to_the_gate_the_k_best_run(examined: Examined, k: int) -> None:
    best = np.argsort(-examined.gate_scores)[:k]
    assert Switchboard(k=k).fired(examined.gate_scores) == tuple(best)


def test_the_threshold_is_that_of_dynamic_k() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        scores = (3 * rng.normal(size=6)).astype(np.float32)
        threshold = float(rng.uniform(0, 0.5))
        route = dynamic_route(torch.from_numpy(scores)[None], 4, threshold)
        expected = tuple(route.indices[0, : int(route.counts[0])].tolist())
        assert Switchboard(k=4, threshold=threshold).fired(scores) == expected


def test_switches_go_before_the_gate() -> None:
    scores = np.array([4, 3, 2, 1], np.float32)
    assert Switchboard(k=2, off=frozenset({0})).fired(scores) == (1, 2)
    assert Switchboard(k=2, on=frozenset({3})).fired(scores) == (0, 1, 3)
    assert Switchboard(k=2, on=frozenset({3}), off=frozenset({1})).fired(scores) == (0, 2, 3)
    assert Switchboard(k=4, on=frozenset({0, 1, 2})).fired(scores) == (0, 1, 2, 3)
    assert Switchboard(k=1, off=frozenset({0, 1, 2})).fired(scores) == (3,)


@pytest.mark.parametrize(
    ("board", "sentence"),
    [
        (Switchboard(k=0), "from 1 to 4.*not 0"),
        (Switchboard(k=5), "from 1 to 4.*not 5"),
        (Switchboard(k=1, threshold=2), "from 0 to 1, not 2"),
        (Switchboard(k=1, on=frozenset({4})), "from 0 to 3, not 4"),
        (Switchboard(k=1, off=frozenset({-1})), "from 0 to 3, not -1"),
        (Switchboard(k=1, on=frozenset({2}), off=frozenset({2})), "both on and off"),
        (Switchboard(k=1, off=frozenset(range(4))), "All branches are switched off"),
    ],
)
def test_settings_that_do_not_fit_are_refused(board: Switchboard, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        board.fired(np.zeros(4, np.float32))


@pytest.mark.parametrize(
    ("fired", "sentence"), [((), "At least one"), ((4,), "0 to 3, not 4"), ((-1,), "not -1")]
)
def test_routes_that_cannot_run_are_refused(
    examined: Examined, fired: tuple[int, ...], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        examined.answer(fired)


def test_a_static_network_has_nothing_to_switch(tmp_path: Path, make_checkpoint: Any) -> None:
    with pytest.raises(InputError, match="static network"):
        examine(load(make_checkpoint("static", tmp_path, model="resnet8")), PICTURE)


def test_the_margin_is_between_the_last_chosen_and_the_first_refused(examined: Examined) -> None:
    order = [int(b) for b in np.argsort(-examined.gate_scores)]
    margin = examined.answer(order[:2]).gate_margin
    assert margin is not None
    gap = float(examined.gate_scores[order[1]] - examined.gate_scores[order[2]])
    assert margin == (order[1], order[2], pytest.approx(gap))
    assert examined.answer(order).gate_margin is None
    against = examined.answer(order[1:3]).gate_margin
    assert against is not None
    assert against[2] < 0
