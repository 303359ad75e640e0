"""Any setting of the switchboard for one image whose tokens have routes of their own. Light.

As `switchboard`, of scores and expert outputs that were computed once, a row a token.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hydranet.routing.answer import Answer
from hydranet.routing.arrays import PADDING
from hydranet.routing.policies import softmax
from hydranet.routing.switchboard import Examined, Switchboard, check_fired

_ROUTES_AT_ONCE = 512


@dataclass(frozen=True, kw_only=True)
class ExaminedTokens(Examined):
    """All that such a network computes of one image before a route is chosen.

    `token_scores`: (T, N) of the gate, `token_features`: (T, N, D) of every branch on every token;
    the answer is the output layer's on the mean over tokens of what branches add, and
    `output_bias` what it is without them. A token runs the `k` best of the branches that it may.
    """

    token_scores: NDArray[np.float32]
    token_features: NDArray[np.float32]
    k: int

    def at(self, board: Switchboard) -> ExaminedTokens:
        """See `Examined.at`."""
        return replace(self, k=board.k)

    def run(self, board: Switchboard) -> Answer:
        """See `Examined.run`: the settings hold for every token."""
        ran = np.zeros(self.token_scores.shape, bool)
        for token, scores in enumerate(self.token_scores):
            ran[token, list(board.fired(scores, self.policy))] = True
        return self._answer(ran)

    def answer(self, fired: Collection[int]) -> Answer:
        """What the network answers if tokens may go to these branches and to no other.

        Raises:
            InputError: no branch is named, or one that is not there.
        """
        count = len(self.gate_scores)
        check_fired(fired, count)
        allowed = np.zeros((1, count), bool)
        allowed[0, list(fired)] = True
        return self._answer(self._chosen(allowed)[0])

    def probabilities(self, masks: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Of every class, if tokens may go to some branches alone: (S, N) bool → (S, C)."""
        share = softmax(self.token_scores) / len(self.token_scores)  # (T, N)
        found = []
        for start in range(0, len(masks), _ROUTES_AT_ONCE):
            weights = self._chosen(masks[start : start + _ROUTES_AT_ONCE]) * share  # (S, T, N)
            added = np.tensordot(weights, self.token_features, axes=2)  # (S, D)
            logits = added @ self.output_weight.T + self.output_bias  # (S, C)
            found.append(softmax(np.asarray(logits, np.float32)))
        return np.concatenate(found)

    def macs(self, masks: NDArray[np.bool_]) -> NDArray[np.int64]:
        """See `Examined.macs`: each token runs k branches, or as many as it may."""
        runs = np.minimum(masks.sum(axis=1), self.k)
        return np.asarray(self.costs.always + runs * self.costs.branch.macs, np.int64)

    def _chosen(self, masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which branches each token runs if it may run some alone: (S, N) → (S, T, N)."""
        scores = np.where(masks[:, None], self.token_scores, -np.inf)  # (S, T, N)
        order = np.argsort(-scores, axis=2, kind="stable")[:, :, : self.k]
        chosen = np.zeros(scores.shape, bool)
        np.put_along_axis(chosen, order, True, axis=2)
        return chosen & masks[:, None]

    def _answer(self, ran: NDArray[np.bool_]) -> Answer:
        """What is answered if each token runs the branches in `ran`, (T, N)."""
        each = softmax(self.token_scores)  # (T, N)
        scores = np.where(ran, self.token_scores, -np.inf)
        routes = np.argsort(-scores, axis=1, kind="stable")[:, : int(ran.sum(axis=1).max())]
        is_there = np.take_along_axis(ran, routes, axis=1)  # (T, k)
        counts = np.take_along_axis(each, routes, axis=1)  # (T, k)
        weights = each * ran / len(ran)  # (T, N)
        share, tokens = weights.sum(axis=0), ran.sum(axis=0)  # (N,)
        order = np.argsort(-np.where(tokens, share, -1), kind="stable")
        fired = tuple(int(b) for b in order if tokens[b])
        added = np.einsum("tn,tnd->nd", weights, self.token_features)[list(fired)]  # (k, D)
        shares = np.asarray(added @ self.output_weight.T, np.float32)  # (k, C)
        spent = self.costs.branch_macs(fired, [int(tokens[b]) for b in fired])
        return Answer(
            logits=shares.sum(axis=0) + self.output_bias,
            gate_scores=self.gate_scores,
            fired=fired,
            weights=tuple(float(share[b]) for b in fired),
            shares=shares,
            macs=self.costs.always + sum(spent),
            branch_macs=spent,
            policy=self.policy,
            tokens=np.where(is_there, routes, PADDING),
            token_weights=np.where(is_there, counts, 0).astype(np.float32),
        )
