"""What decides how many branches run, as on every page where a network runs."""

from __future__ import annotations

import streamlit as st

from app import state
from hydranet.costs import Costs


def choose_k(costs: Costs) -> int:
    """How many branches the gate may pick; the address keeps it."""
    return st.slider(
        "Branches that fire (k)",
        1,
        costs.num_branches,
        costs.k,
        key=state.K,
        bind="query-params",
        help="The gate scores every branch; the k best-scored ones run.",
    )


def choose_threshold() -> float:
    """The confidence below which dynamic k drops a branch, 0 to 0.5; the address keeps it."""
    percent = st.slider(
        "Dynamic k: drop branches below this confidence (%)",
        0,
        50,
        0,
        key=state.THRESHOLD,
        bind="query-params",
        help="Of the k best-scored branches, those that the gate is less confident of do not run; "
        "its best one always does. So k differs from image to image.",
    )
    return percent / 100
