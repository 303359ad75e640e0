"""Routes as arrays: which branches run, and with what weights, of gate scores. Light: no torch.

What `hydranet.routing` does for torch, gradients aside, and with ties broken: of branches that
score alike the first ones run. The heads of a multi-head network all score 0, so the first k run.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydranet.answer import softmax
from hydranet.card import Card
from hydranet.errors import InputError

PADDING = -1
"""Stands where an image runs fewer branches than others of its batch."""

_NEVER = np.float32(-np.inf)


def check_choice(
    card: Card,
    k: int | None = None,
    threshold: float = 0.0,
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
    if count and k is not None and not 1 <= k <= count:
        raise InputError(f"k must be from 1 to {count}, the number of branches, not {k}.")
    if not 0 <= threshold <= 1:
        raise InputError(f"The threshold must be from 0 to 1, not {threshold}.")
    if fired is not None:
        _check_given(fired, count, len(fired) if images is None else images)


def _check_given(fired: NDArray[np.integer], count: int, images: int) -> None:
    if fired.ndim != 2 or len(fired) != images or not np.issubdtype(fired.dtype, np.integer):
        raise InputError(
            f"Branches must be whole numbers of the shape ({images}, branches), one row an image, "
            f"not {fired.dtype} of the shape {fired.shape}."
        )
    if fired.size and not PADDING <= fired.min() <= fired.max() < count:
        wrong = fired.min() if fired.min() < PADDING else fired.max()
        raise InputError(
            f"A branch must be from 0 to {count - 1}, or {PADDING} where none runs, not {wrong}."
        )
    ordered = np.sort(fired, axis=1)
    if np.any((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != PADDING)):
        raise InputError("A branch is named twice for the same image.")
    if not np.all((fired != PADDING).any(axis=1)):
        raise InputError("At least one branch must run for every image.")


def choose(
    gate_scores: NDArray[np.float32],
    *,
    k: int,
    threshold: float = 0.0,
    fired: NDArray[np.integer] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The branches that run, best-scored first, `PADDING` behind the last, and their weights.

    `gate_scores`: (B, N). Of the `k` best-scored, those that the gate is at least as confident of
    as `threshold`, the best-scored one in any case; or those in `fired` (B, k'). The weights are a
    softmax over the scores of what runs, 0 where padded; both are (B, k). What is given has passed
    `check_choice`.
    """
    rows = np.arange(len(gate_scores))[:, None]  # (B, 1)
    if fired is None:
        chosen = (-gate_scores).argsort(axis=1, kind="stable")[:, :k]
        scores = gate_scores[rows, chosen]  # (B, k)
        if threshold:
            dropped = softmax(gate_scores)[rows, chosen] < threshold
            dropped[:, 0] = False
            chosen = np.where(dropped, PADDING, chosen)
            scores = np.where(dropped, _NEVER, scores)
    else:
        scores = np.where(fired == PADDING, _NEVER, gate_scores[rows, np.maximum(fired, 0)])
        order = (-scores).argsort(axis=1, kind="stable")
        chosen, scores = fired[rows, order].astype(np.int64), scores[rows, order]
    weights = np.exp(scores - scores[:, :1])  # the first is the largest: no overflow
    return chosen, weights / np.add.reduce(weights, axis=1, keepdims=True)
