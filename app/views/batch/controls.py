"""How the images of a batch are routed: k and the threshold, for all of them alike."""

from __future__ import annotations

from app import state
from app.views.dials import choose_k, choose_threshold
from hydranet.bulk.rows import Settings
from hydranet.checkpoints.card import Card


def choose_settings(card: Card) -> Settings:
    """k and the threshold of dynamic k, under the names that Inspect has for them."""
    costs = card.costs
    if not costs.num_branches:
        return Settings()
    state.bring_back(state.K)
    state.fit_to(costs.num_branches)
    return Settings(k=choose_k(card), threshold=choose_threshold(card))
