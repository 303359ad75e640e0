"""The paper's claim: from the paper's own figures, and from ours, side by side and never mixed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from app.charts.claim import claim_chart
from app.charts.cost_axes import AXES, BATCHES, CostAxis, milliseconds
from app.charts.marks import DIGITISED, MEASURED, Mark
from app.comparing.claim import claim_table, claim_words, claims, from_paper, measured_by_us
from app.comparing.rows import Entry, verdict
from app.views.downloads import csv_button
from app.views.figure import saved_as
from app.words.teacher import rule_words


def show_claim(rows: Sequence[Entry]) -> None:
    """Two figures, each with what it says in words."""
    st.markdown(
        "The HydraNets paper claims that at equal accuracy a HydraNet is several times cheaper "
        "than the static network it is made of. Each line is the cost of a static network "
        "over that of a HydraNet of the same accuracy, whatever the chart above shows: above 1× "
        "the HydraNet is cheaper. The cost is MACs; once ours were timed here, you may choose time."
    )
    paper, ours = st.columns(2, gap="medium")
    with paper:
        st.markdown("#### In the paper's figures")
        _side(from_paper(rows), AXES["MACs"], DIGITISED, "paper")
    with ours:
        st.markdown("#### In ours")
        mine = measured_by_us(rows)
        _side(mine, _axis_of_ours(mine), MEASURED, "ours")
    st.caption(
        "Points are where a network stands on either front (HydraNets of ours at every k and with "
        "dynamic k); between them the logarithm of cost is interpolated. The paper's points were "
        "taken from its figures, ours were trained once each. "
        + rule_words([row.teacher for row in mine])
    )


def _axis_of_ours(rows: Sequence[Entry]) -> CostAxis:
    """MACs, or time in a batch size at which both kinds of network, with a teacher or without, were
    timed here."""
    axes = {"MACs": AXES["MACs"]}
    for batch in BATCHES:
        timed = [row for row in rows if row.ms(batch) is not None]
        if any(static for _, static in verdict(timed, timed)):
            axes[f"Milliseconds, batch {batch}"] = milliseconds(batch)
    if len(axes) == 1:
        return axes["MACs"]
    name = st.segmented_control(
        "Cost of ours", list(axes), default="MACs", required=True, key="claim_cost"
    )
    return axes[name or "MACs"]


def _side(rows: Sequence[Entry], axis: CostAxis, mark: Mark, name: str) -> None:
    found = claims(rows, axis)
    if not found:
        st.info("It cannot be said: there is no HydraNet beside a static network here.")
        return
    words = [claim_words(one, axis.noun) for one in found]
    if any(one.said for one in found):
        st.plotly_chart(
            claim_chart(found, noun=axis.noun, mark=mark),
            key=f"claim_{name}",
            config=saved_as(f"equal_accuracy_{name}"),
            alt="Line chart of how many times dearer a static network is than a HydraNet of the "
            "same top-1. " + " ".join(words),
        )
    st.markdown("\n".join(f"- {sentence}" for sentence in words))
    csv_button(partial(claim_table, found), name=f"equal_accuracy_{name}")
