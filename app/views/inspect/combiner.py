"""What the combiner made of the fired branches: exact shares of a logit, Shapley values."""

from __future__ import annotations

import streamlit as st

from app import torch_services
from app.charts.html import escaped
from app.charts.shares import shapley_bars, share_bars
from app.charts.words import shares_text, values_text
from app.inspection import Inspection
from app.views.text import plain
from hydranet.errors import InputError
from hydranet.explain.shapley import MAX_EXACT

_CHART = {"displayModeBar": False}


def show_combiner(inspection: Inspection) -> None:
    """Shares of the logit, which add up, beside what branches are worth to the probability."""
    shares, values = st.columns(2, gap="medium")
    with shares:
        show_shares(inspection)
    with values:
        _show_values(inspection)


def _show_values(inspection: Inspection) -> None:
    """Shapley values, because a probability is no sum over branches."""
    asked = inspection.class_in_question
    name = inspection.class_name(asked)
    try:
        worth = torch_services.branch_values(inspection)
    except InputError as error:
        st.info(plain(str(error)))
        return
    errors = worth.standard_errors
    st.plotly_chart(
        shapley_bars(
            worth.fired, worth.values[:, asked], None if errors is None else errors[:, asked]
        ),
        key="values",
        config=_CHART,
        alt=values_text(worth.fired, worth.values[:, asked], name),
    )
    how = (
        "Exact, over every subset of the fired branches."
        if errors is None
        else f"Estimated from random orders, because more than {MAX_EXACT} branches fired; the "
        "thin lines are one standard error."
    )
    before, after = worth.nothing[asked], inspection.found.probabilities[asked]
    st.caption(
        "A probability is no sum over branches, so these are Shapley values: the mean of what a "
        f"branch changes when it joins others that ran. From {100 * before:.1f}\u00a0% with no "
        f"branch they lead to the {100 * after:.1f}\u00a0% of {plain(name)}. {how}"
    )


def show_shares(inspection: Inspection, key: str = "shares") -> None:
    """The shares of the class in question and of its rival, with the bias: their sum is the logit.

    `key`: tells it from the same chart of another network.
    """
    examined, found = inspection.examined, inspection.found
    if examined is None:
        st.info("A static network has no branches whose shares could be told apart.")
        return
    asked, rival = inspection.class_in_question, inspection.rival
    names = inspection.class_name(asked), inspection.class_name(rival)
    bias = examined.output_bias
    st.plotly_chart(
        share_bars(found, bias, asked, rival, (escaped(names[0]), escaped(names[1]))),
        key=key,
        config=_CHART,
        alt=shares_text(found, bias, asked, rival, names),
    )
    logits = found.logits[asked], found.logits[rival]
    sums = [f"{plain(n)} {logit:.2f}" for n, logit in zip(names, logits, strict=True)]
    st.caption(
        f"Full colour: {plain(names[0])}; pale: {plain(names[1])}. Exact, because branches are "
        f"summed: the bars of a class, the bias among them, add up to its logit ({', '.join(sums)})"
        f". {_who_speaks(inspection, plain(names[0]), plain(names[1]))}"
    )


def _who_speaks(inspection: Inspection, name: str, other: str) -> str:
    """Which branch's share tells the class most from its rival; which speaks most against it where
    none speaks for it."""
    found, policy = inspection.found, inspection.card.policy
    asked, rival = inspection.class_in_question, inspection.rival
    ahead = found.shares[:, asked] - found.shares[:, rival]  # (k,)
    called = policy.branch.capitalize()
    if ahead.max() > 0:
        most = found.fired[int(ahead.argmax())]
        return f"{called} {most} speaks most for {name} against {other}."
    least = found.fired[int(ahead.argmin())]
    return (
        f"No {policy.branch} speaks for {name} against {other}; {policy.branch} {least} speaks "
        "most against it."
    )
