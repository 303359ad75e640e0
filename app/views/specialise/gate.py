"""Gate: how often it finds the right branch at every k, what its misses cost, and the ceiling."""

from __future__ import annotations

import streamlit as st

from app.charts.specialise.gate_quality import gate_quality
from app.charts.specialise.reliability import reliability_diagram
from app.charts.specialise.words import reliability_sentence, reliability_text
from app.datasets import DataSet
from app.views.text import plain
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
        _show_by_k(found, data.table.k)
        st.caption(
            "Branches of this network have no subtasks and no gate chooses among them, so there "
            "are no hits and no confidence of a gate to show."
        )
        return
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.markdown("#### Right, missed by the gate, confused by the branches")
        _show_by_k(found, data.table.k)
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
    if ceiling := data.ask(perfect_gate):
        st.markdown("#### With a perfect gate")
        st.markdown(_ceiling(ceiling, found, data.table.k))


def _show_by_k(found: GateByK, k: int) -> None:
    said = ", ".join(f"{place} {100 * value:.1f}" for place, value in enumerate(found.right, 1))
    st.plotly_chart(
        gate_quality(found, k), key="gate_by_k", config=_CHART,
        alt=f"Stacked bars of what becomes of the images for every k. Right in percent: {said}.",
    )  # fmt: skip


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


def _ceiling(ceiling: PerfectGate, found: GateByK, k: int) -> str:
    return (
        "A gate that always ran the right branch alone would be right for "
        f"{100 * ceiling.least:.1f} to {100 * ceiling.most:.1f} % of images. **The log cannot say "
        "more**: it holds the answers of the branches in the order in which the gate ranks them, "
        f"so it knows what the right branch answers alone only for the {100 * ceiling.known:.1f} % "
        f"of images where the gate ranks it first ({100 * ceiling.right_where_known:.1f} % of "
        "those are right); for the others it lacks that branch's answer.\n\nWhat it does say: had "
        f"every image run at least {k} branches and as many more as it takes to reach its own "
        f"({ceiling.patient_branches:.2f} on average), {100 * ceiling.patient:.1f} % would be "
        f"right instead of {100 * found.right[k - 1]:.1f} %; with the best k for each image, "
        f"{100 * ceiling.any_k:.1f} %."
    )
