"""What the visitor sets: the network, and who decides about each branch."""

from __future__ import annotations

import streamlit as st

from app import state
from app.views.dials import choose_k, choose_threshold
from app.views.own_network import offer_own_network
from app.views.text import plain
from hydranet.checkpoints import Checkpoint
from hydranet.checkpoints.card import Card
from hydranet.costs import Costs
from hydranet.routing.switchboard import Switchboard

_FIRST = "hydra_res_d1"


def choose_checkpoint(good: list[Checkpoint]) -> Checkpoint:
    """The network, by name; the address keeps it."""
    by_name = {checkpoint.name: checkpoint for checkpoint in good}
    names = [checkpoint.name for checkpoint in _in_order(good)]
    state.bring_back(state.NETWORK)
    gone = state.held(state.NETWORK)
    if gone not in (None, *names):
        st.session_state.pop(state.NETWORK, None)
        st.warning(f"The network {plain(str(gone))} is not here; another one is shown.")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.selectbox(
            "Network",
            names,
            index=names.index(first_of(good).name),
            key=state.NETWORK,
            bind="query-params",
        )
        offer_own_network(state.NETWORK)
    state.remember(state.NETWORK, name)
    return by_name[name]


def first_of(good: list[Checkpoint]) -> Checkpoint:
    """The one that is shown until the visitor chooses; there is at least one."""
    in_order = _in_order(good)
    return next((checkpoint for checkpoint in in_order if checkpoint.name == _FIRST), in_order[0])


def _in_order(good: list[Checkpoint]) -> list[Checkpoint]:
    """HydraNets first, then by name."""
    return sorted(good, key=lambda one: (not one.card.costs.num_branches, one.name))


def choose_board(card: Card) -> Switchboard | None:
    """k, the threshold of dynamic k, and the switches; None for a static network."""
    costs = card.costs
    if not costs.num_branches:
        return None
    state.bring_back(state.K)
    state.fit_to(costs.num_branches)
    k = choose_k(card)
    with st.popover("Switchboard", icon=":material/toggle_on:", width="stretch"):
        threshold = choose_threshold(card)
        gate = card.policy.gate
        always = f"Always run, whatever the {gate} says" if gate else "Always run"
        on = _switches(always, state.ON, state.OFF, costs)
        off = _switches("Never run", state.OFF, state.ON, costs)
    # An address may name a branch in both; `fit_to` takes it out of the second one afterwards.
    return Switchboard(k=k, threshold=threshold, on=on, off=off - on)


def _switches(label: str, key: str, other: str, costs: Costs) -> frozenset[int]:
    """Branches taken out of the gate's hands; none is both on and off."""
    chosen = st.pills(
        label,
        range(costs.num_branches),
        selection_mode="multi",
        key=key,
        bind="query-params",
        on_change=lambda: state.release(st.session_state[key], other),
    )
    return frozenset(chosen)
