"""Gate: how often it finds the right branch at every k, what its misses cost, and the ceiling."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.charts.specialise.ceiling_words import ceiling_sentences
from app.charts.specialise.gate_quality import gate_quality
from app.charts.specialise.reliability import reliability_diagram
from app.charts.specialise.words import reliability_sentence, reliability_text
from app.datasets import DataSet
from app.views.text import plain
from hydranet.routing.policies import Policy
from hydranet.specialisation import GateByK, PerfectGate, gate_by_k, perfect_gate, reliability

_CHART = {"displaylogo": False, "displayModeBar": False}


def show_gate(data: DataSet) -> None:
    """Two charts beside each other, and the ceiling in words."""
    if not data.table.num_branches:
        st.info(f"{plain(data.card.name)} is a static network: it has no gate.")
        return
    found = data.ask(gate_by_k)
    if found.hit is None:
        st.markdown("#### Right with every number of branches")
        policy = data.card.policy
        _show_by_k(found, data.table.k, None, policy)
        chooses = "" if policy.gate else " and no gate chooses among them"
        st.caption(
            f"{policy.branches.capitalize()} of this network have no subtasks{chooses}, so there "
            "are no hits and no confidence of a gate to show."
        )
        return
    ceiling = data.ask(perfect_gate)
    assert ceiling is not None, "what has hits has subtasks"
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.markdown("#### Right, missed by the gate, confused by the branches")
        _show_by_k(found, data.table.k, ceiling, data.card.policy)
        _say_by_k(found, data.table.k)
    with right:
        st.markdown("#### Is the gate as sure as it should be?")
        bins = data.ask(reliability, "gate")
        st.plotly_chart(
            reliability_diagram(bins), key="gate_reliability", config=_CHART,
            alt=reliability_text(bins, "gate's first choice"),
        )  # fmt: skip
        what = "the softmax share of the gate's first choice lies"
        st.caption(reliability_sentence(bins, what, "that is the branch of the right subtask"))
    st.markdown("#### With a perfect gate")
    st.markdown(ceiling_sentences(ceiling, found, data.table.k))


def _show_by_k(found: GateByK, k: int, ceiling: PerfectGate | None, policy: Policy) -> None:
    perfect = None if ceiling is None else ceiling.right
    said = f"Right in percent: {_by_k(found.right)}."
    if perfect is not None:
        said += f" With a perfect gate: {_by_k(perfect)}."
    st.plotly_chart(
        gate_quality(found, k, perfect, called=policy.branches), key="gate_by_k", config=_CHART,
        alt=f"Stacked bars of what becomes of the images for every k. {said}",
    )  # fmt: skip


def _by_k(share: NDArray[np.float64]) -> str:
    return ", ".join(f"{k} {100 * value:.1f}" for k, value in enumerate(share, 1))


def _say_by_k(found: GateByK, k: int) -> None:
    assert found.hit is not None
    assert found.missed is not None
    assert found.confused is not None
    at = k - 1
    wrong = found.missed[at] + found.confused[at]
    blame = f", {100 * found.missed[at] / wrong:.0f} % of all errors" if wrong else ""
    st.caption(
        f"At k = {k} the branch of the right subtask fires for {100 * found.hit[at]:.1f} % of "
        f"images. {100 * found.missed[at]:.1f} % are wrong without it (missed by the gate{blame}), "
        f"{100 * found.confused[at]:.1f} % are wrong although it ran (confused by the branches). "
        f"At k = 1 it fires for {100 * found.hit[0]:.1f} %."
    )
