"""How the images of a batch are routed: k and the threshold, for all of them alike."""

from __future__ import annotations

import streamlit as st

from app import state
from hydranet.bulk.rows import Settings
from hydranet.card import Card


def choose_settings(card: Card) -> Settings:
    """k and the threshold of dynamic k, under the names that Inspect has for them."""
    costs = card.costs
    if not costs.num_branches:
        return Settings()
    state.fit_to(costs.num_branches)
    k = st.slider(
        "Branches that fire (k)",
        1,
        costs.num_branches,
        costs.k,
        key=state.K,
        bind="query-params",
        help="The gate scores every branch; the k best-scored ones run.",
    )
    threshold = st.slider(
        "Dynamic k: drop branches below this confidence (%)",
        0,
        50,
        0,
        key=state.THRESHOLD,
        bind="query-params",
        help="Of the k best-scored branches, those that the gate is less confident of do not run; "
        "its best one always does. So k differs from image to image.",
    )
    return Settings(k=k, threshold=threshold / 100)
