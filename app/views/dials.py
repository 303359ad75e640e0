"""What decides how many branches run, as on every page where a network runs."""

from __future__ import annotations

import streamlit as st

from app import state
from hydranet.checkpoints.card import Card


def choose_k(card: Card) -> int:
    """How many branches may run; the address keeps it."""
    costs, policy = card.costs, card.policy
    if costs.num_branches == 1:  # nothing to choose, and a slider needs two values
        return 1
    if policy.in_a_row:
        label = f"Most {policy.branches} that an image comes to (k)"
        said = f"At {policy.branch} number k every image leaves, sure or not."
    elif policy.by_token:
        label = f"{policy.branches.capitalize()} that a patch is sent to (k)"
        said = f"The {policy.gate} scores every {policy.branch} for each patch; the k best run."
    else:
        label = f"{policy.branches.capitalize()} that fire (k)"
        said = "The gate scores every branch; the k best-scored ones run."
        if not policy.gate:
            said = f"No gate chooses: the first k {policy.branches} run."
    k = st.slider(
        label, 1, costs.num_branches, costs.k, key=state.K, bind="query-params", help=said
    )
    state.remember(state.K, k)
    return k


def choose_threshold(card: Card) -> float:
    """How much a branch must be wanted to run, from 0; the address keeps it. Not asked where
    nothing chooses: all are wanted alike then."""
    policy = card.policy
    if not policy.gate:
        return 0.0
    key = state.threshold_of(policy)
    state.bring_back(key)
    if policy.in_a_row:
        percent = st.slider(
            "Go on while at least so much doubt is left (%)",
            0,
            100,
            round(100 * card.threshold),
            key=key,
            bind="query-params",
            help=policy.dial,
        )
    else:
        percent = st.slider(
            f"Dynamic k: drop {policy.branches} below this confidence (%)",
            0,
            50,
            0,
            key=key,
            bind="query-params",
            help=policy.dial,
        )
    state.remember(key, percent)
    # the network's own need be no whole percent
    return card.threshold if percent == round(100 * card.threshold) else percent / 100
