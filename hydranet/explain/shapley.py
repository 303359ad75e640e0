"""Shapley values: what each player adds, on average over all orders in which they could join.

The fair split of a value that is not a sum, such as a class's probability over the branches that
fired. Exact from a table of all 2ⁿ subsets, sampled beyond. Numpy alone.

Source: Shapley, "A value for n-person games", 1953; sampling: Castro, Gómez, Tejada, "Polynomial
calculation of the Shapley value based on sampling", 2009.
"""

from __future__ import annotations

from collections.abc import Callable
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hydranet.errors import InputError

MAX_EXACT = 12
"""Players up to which all subsets, 4096 of them, are worth a table."""

_SUBSETS_A_CALL = 4096


class SampledShapley(NamedTuple):
    """`values`: (n, …) estimates; `standard_errors`: (n, …), of the mean over `orders` orders."""

    values: NDArray[np.float64]
    standard_errors: NDArray[np.float64]
    orders: int


def all_subsets(players: int) -> NDArray[np.bool_]:
    """(2ⁿ, n): row s has player i in where bit i of s is set; the order that tables have.

    Raises:
        InputError: there are more than `MAX_EXACT` players, or none.
    """
    if not 1 <= players <= MAX_EXACT:
        raise InputError(
            f"All subsets are taken of 1 to {MAX_EXACT} players, not of {players}. "
            "Use sampled_shapley for more."
        )
    return (np.arange(2**players)[:, None] >> np.arange(players) & 1).astype(bool)


def exact_shapley(table: NDArray[np.floating]) -> NDArray[np.float64]:
    """(2ⁿ, …) values of all subsets, in the order of `all_subsets` → (n, …) Shapley values.

    They sum to the value of all players less that of none.

    Raises:
        InputError: the table's length is no power of two, or n is above `MAX_EXACT`.
    """
    players = len(table).bit_length() - 1
    if len(table) != 2**players:
        raise InputError(f"A table must have a value for each of 2ⁿ subsets, not {len(table)}.")
    subsets = all_subsets(players)  # (2ⁿ, n)
    sizes = subsets.sum(axis=1)
    # How many of the n! orders put a subset of that size right before one player, as a part.
    parts = np.array([1 / (players * comb(players - 1, size)) for size in range(players)])
    values = np.asarray(table, np.float64)
    found = np.empty((players, *values.shape[1:]))
    for player in range(players):
        without = np.flatnonzero(~subsets[:, player])
        gains = values[without | 1 << player] - values[without]  # (2ⁿ⁻¹, …)
        found[player] = np.tensordot(parts[sizes[without]], gains, axes=1)
    return found


def sampled_shapley(
    value: Callable[[NDArray[np.bool_]], NDArray[np.floating]],
    players: int,
    *,
    orders: int = 256,
    seed: int = 0,
) -> SampledShapley:
    """Shapley values estimated from random orders of joining, with their standard errors.

    `value`: (S, n) subsets, True where a player is in → (S, …) their values. The estimates of one
    run sum exactly to the value of all players less that of none.

    Raises:
        InputError: there is no player, or fewer than two orders.
    """
    if players < 1 or orders < 2:
        raise InputError(f"At least 1 player and 2 orders are needed, not {players} and {orders}.")
    rng = np.random.default_rng(seed)
    at_once = max(1, _SUBSETS_A_CALL // (players + 1))
    gains = []
    for start in range(0, orders, at_once):
        count = min(at_once, orders - start)
        order = rng.permuted(np.tile(np.arange(players), (count, 1)), axis=1)  # (count, n)
        place = np.argsort(order, axis=1)  # when each player joins
        # Step t of an order holds the players that join before it: (count, n + 1, n).
        subsets = place[:, None, :] < np.arange(players + 1)[None, :, None]
        values = np.asarray(value(subsets.reshape(-1, players)), np.float64)
        values = values.reshape(count, players + 1, *values.shape[1:])
        steps = np.diff(values, axis=1)  # (count, n, …), by step; put in the players' places:
        gains.append(steps[np.arange(count)[:, None], place])
    found = np.concatenate(gains)  # (orders, n, …)
    error = found.std(axis=0, ddof=1) / np.sqrt(orders)
    return SampledShapley(found.mean(axis=0), error, orders)
