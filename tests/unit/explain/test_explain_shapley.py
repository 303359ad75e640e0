"""Shapley values: the definition over all orders, the axioms, and the sampled estimate."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch
from explain_networks import picture, tiny

from hydranet.errors import InputError
from hydranet.explain import branch_values, exact_shapley, sampled_shapley
from hydranet.explain.shapley import all_subsets
from hydranet.models import HydraNet


def by_definition(table: np.ndarray, players: int) -> np.ndarray:
    """The mean over all orders of what each player adds on joining."""
    total = np.zeros((players, *table.shape[1:]))
    orders = list(permutations(range(players)))
    for order in orders:
        present = 0
        for player in order:
            total[player] += table[present | 1 << player] - table[present]
            present |= 1 << player
    return total / len(orders)


@pytest.mark.parametrize("players", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("shape", [(), (3,), (2, 2)])
def test_against_the_definition(players: int, shape: tuple[int, ...]) -> None:
    table = np.random.default_rng(players).normal(size=(2**players, *shape))
    found = exact_shapley(table)
    np.testing.assert_allclose(found, by_definition(table, players), atol=1e-12)


@pytest.mark.parametrize("players", [1, 7, 12])
def test_efficiency(players: int) -> None:
    table = np.random.default_rng(0).normal(size=2**players)
    assert exact_shapley(table).sum() == pytest.approx(table[-1] - table[0], abs=1e-9)


def test_symmetry_and_dummy() -> None:
    subsets = all_subsets(6)
    rng = np.random.default_rng(0)
    both = subsets[:, 1].astype(int) + subsets[:, 4]  # 1 and 4 count alike
    table = rng.normal(size=3)[both] * (1 + subsets[:, [0, 2, 3]] @ rng.normal(size=3))
    found = exact_shapley(table)  # 5 appears nowhere
    assert found[1] == pytest.approx(found[4], abs=1e-12)
    assert found[5] == pytest.approx(0, abs=1e-12)
    assert abs(found[1]) > 1e-3


def test_a_sum_is_split_into_its_terms() -> None:
    worth = np.random.default_rng(0).normal(size=8)
    np.testing.assert_allclose(exact_shapley(3 + all_subsets(8) @ worth), worth, atol=1e-12)
    found = sampled_shapley(lambda subsets: 3 + subsets @ worth, 8, orders=5)
    np.testing.assert_allclose(found.values, worth, atol=1e-12)
    np.testing.assert_allclose(found.standard_errors, 0, atol=1e-12)


def test_subsets_stand_where_their_bits_say() -> None:
    assert all_subsets(3)[0b110].tolist() == [False, True, True]
    assert all_subsets(12).shape == (4096, 12)


def test_the_sampled_estimate_and_its_error() -> None:
    """Against exact values, over many seeds: unbiased, and the error says how far it is off."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(2**6, 2))
    exact = exact_shapley(table)
    powers = 1 << np.arange(6)
    runs = [
        sampled_shapley(lambda s: table[s @ powers], 6, orders=64, seed=seed) for seed in range(100)
    ]
    errors = np.stack([(run.values - exact) / run.standard_errors for run in runs])
    assert abs(errors.mean()) < 0.1
    assert 0.85 < errors.std() < 1.15
    for run in runs[:3]:
        np.testing.assert_allclose(run.values.sum(axis=0), table[-1] - table[0], atol=1e-9)
    big = sampled_shapley(lambda s: (s.sum(axis=1) / 20) ** 2, 20, orders=600)  # in several calls
    np.testing.assert_allclose(big.values, 1 / 20, atol=5 * big.standard_errors.max())
    assert big.orders == 600


def test_refusals() -> None:
    with pytest.raises(InputError, match="each of 2ⁿ subsets, not 6"):
        exact_shapley(np.zeros(6))
    for table in (np.zeros(1), np.zeros(2**13)):
        with pytest.raises(InputError, match="1 to 12 players, not of"):
            exact_shapley(table)
    with pytest.raises(InputError, match="At least 1 player and 2 orders"):
        sampled_shapley(lambda s: s.sum(axis=1), 3, orders=1)


@pytest.mark.parametrize("name", ["hydra_res_d1", "multihead_resnet"])
def test_branches_that_add_up_have_their_shares(name: str) -> None:
    model, x = tiny(name), picture()
    assert isinstance(model, HydraNet)
    with torch.no_grad():
        out = model(x)
        shares = model.combiner.shares(out.features, out.route.weights)[0]  # (k, C)
    found = branch_values(model, x, of="logit")
    assert found.fired == tuple(out.route.indices[0].tolist())
    np.testing.assert_allclose(found.values, shares, atol=1e-5)
    np.testing.assert_allclose(found.nothing + found.values.sum(axis=0), out.logits[0], atol=1e-5)


def test_probabilities_are_split_whole() -> None:
    model, x = tiny(num_branches=14), picture()
    with torch.no_grad():
        few, many = model(x, k=3), model(x, k=14)
    for out in (few, many):
        found = branch_values(model, x, route=out.route, orders=40)
        whole = found.nothing + found.values.sum(axis=0)
        np.testing.assert_allclose(whole, out.logits[0].softmax(dim=0), atol=1e-5)
        assert (found.standard_errors is None) == (out is few)
