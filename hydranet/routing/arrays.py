"""Routes as arrays: which branches run, and with what weights, of gate scores. Light: no torch.

What `routes` does for torch, gradients aside, and with ties broken: of branches that score alike
the first ones run. The heads of a multi-head network all score 0, so the first k run.
"""

from __future__ import annotations

import math
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from hydranet.checkpoints.card import Card
from hydranet.errors import InputError
from hydranet.routing.policies import GATED, Policy

PADDING = -1
"""Stands where an image runs fewer branches than others of its batch."""

_NEVER = np.float32(-np.inf)
_LAST = np.iinfo(np.int64).max
_MANY = 32


def check_choice(
    card: Card,
    k: int | None = None,
    threshold: float | None = None,
    fired: NDArray[np.integer] | None = None,
    *,
    images: int | None = None,
) -> None:
    """Raise InputError unless branches of the card's network can be chosen so.

    `fired`: (B, k'), instead of k and a threshold, for B `images`.
    """
    count = card.costs.num_branches
    if not count and (k is not None or threshold or fired is not None):
        raise InputError(
            f"{card.name} is a static network: all of it runs, so neither k nor a threshold nor "
            "branches can be chosen."
        )
    if fired is not None and (k is not None or threshold):
        raise InputError("Give either k and a threshold or branches: these say how many fire.")
    if (
        count
        and k is not None
        and not (isinstance(k, Integral) and not isinstance(k, bool) and 1 <= k <= count)
    ):
        raise InputError(f"k must be from 1 to {count}, the number of branches, not {k}.")
    if threshold is not None and not 0 <= threshold <= 1:
        raise InputError(f"The threshold must be from 0 to 1, not {threshold}.")
    if fired is not None:
        _check_given(fired, count, len(fired) if images is None else images)


def _check_given(fired: NDArray[np.integer], count: int, images: int) -> None:
    if fired.ndim != 2 or len(fired) != images or fired.dtype.kind not in "iu":
        raise InputError(
            f"Branches must be whole numbers of the shape ({images}, branches), one row an image, "
            f"not {fired.dtype} of the shape {fired.shape}."
        )
    if fired.shape[1] > count:
        raise InputError(
            f"There are {count} branches, so a row names at most so many, padding included, not "
            f"{fired.shape[1]}. Leave out columns of {PADDING}."
        )
    if len(fired) > _MANY and _all_right(fired, count):
        return
    for row in fired.tolist():  # few numbers: quicker than as arrays
        if row and len({*row}) == len(row) and min(row) >= 0 and max(row) < count:
            continue
        named = {branch for branch in row if 0 <= branch < count}
        padded = row.count(PADDING)
        if len(named) + padded == len(row) and named:
            continue
        if wrong := [branch for branch in row if not PADDING <= branch < count]:
            raise InputError(
                f"A branch must be from 0 to {count - 1}, or {PADDING} where none runs, not "
                f"{wrong[0]}."
            )
        if not named:
            raise InputError("At least one branch must run for every image.")
        raise InputError("A branch is named twice for the same image.")


def _all_right(fired: NDArray[np.integer], count: int) -> bool:
    """Whether every row names branches, none of them twice."""
    ordered = np.sort(fired, axis=1)
    named = (ordered >= 0) & (ordered < count)
    twice = (ordered[:, 1:] == ordered[:, :-1]) & named[:, 1:]
    return bool(
        (named | (ordered == PADDING)).all() and named.any(axis=1).all() and not twice.any()
    )


def choose(
    gate_scores: NDArray[np.float32],
    *,
    k: int,
    threshold: float = 0.0,
    fired: NDArray[np.integer] | None = None,
    policy: Policy = GATED,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The branches that run, best-scored first, `PADDING` behind the last, and their weights.

    `gate_scores`: (B, N). Of the first `k` in the policy's order, those that are wanted at least as
    much as `threshold`, the first one in any case; or those in `fired` (B, k'). The weights are the
    policy's over the scores of what runs, 0 where padded; both are (B, k). What is given has passed
    `check_choice`.
    """
    if len(gate_scores) == 1 and not policy.in_a_row:
        given = None if fired is None else fired[0].tolist()
        found = choose_for_one(gate_scores[0].tolist(), k=k, threshold=threshold, fired=given)
        if found is not None:
            return np.array([found[0]], np.int64), np.array([found[1]], np.float32)
    rows = np.arange(len(gate_scores))[:, None]  # (B, 1)
    if fired is None:
        chosen = policy.order(gate_scores)[:, :k]
        scores = gate_scores[rows, chosen]  # (B, k)
        if threshold:
            dropped = policy.wanted(gate_scores)[rows, chosen] < threshold
            dropped[:, 0] = False
            chosen = np.where(dropped, PADDING, chosen)
            scores = np.where(dropped, _NEVER, scores)
    else:
        scores = np.where(fired == PADDING, _NEVER, gate_scores[rows, np.maximum(fired, 0)])
        before = np.where(fired == PADDING, _LAST, fired) if policy.in_a_row else -scores
        order = before.argsort(axis=1, kind="stable")
        chosen, scores = fired[rows, order].astype(np.int64), scores[rows, order]
    if policy.in_a_row:
        return chosen, policy.weights(scores)
    weights = np.exp(scores - scores[:, :1])  # the first is the largest: no overflow
    return chosen, weights / np.add.reduce(weights, axis=1, keepdims=True)


def choose_for_one(
    scores: list[float], *, k: int, threshold: float = 0.0, fired: list[int] | None = None
) -> tuple[list[int], list[float]] | None:
    """The same for one image of a gated network, in lists; None where scores are not finite.

    It takes a fifth of the time that arrays take, and much less than that where the weights of
    branches have filled the cache, so that code and data must be read anew.
    """
    if not math.isfinite(sum(scores)):
        return None
    among = range(len(scores)) if fired is None else fired
    order = sorted(among, key=scores.__getitem__, reverse=True)  # keeps the order of equals
    slots = k if fired is None else len(fired)
    if fired is None:
        del order[k:]
    elif PADDING in fired:
        order = [branch for branch in order if branch != PADDING]
    best = scores[order[0]]
    weights = [math.exp(scores[branch] - best) for branch in order]
    if threshold and fired is None:
        least = threshold * sum(math.exp(score - best) for score in scores)
        weights = weights[:1] + [weight for weight in weights[1:] if weight >= least]
        del order[len(weights) :]
    total = sum(weights)
    weights = [weight / total for weight in weights]
    if padding := slots - len(order):
        order += [PADDING] * padding
        weights += [0.0] * padding
    return order, weights
