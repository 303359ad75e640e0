"""What the combiner made of the fired branches: exact shares of a logit, Shapley values."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.charts.html import escaped
from app.charts.shares import share_bars
from app.charts.words import shares_text
from app.inspection import Inspection
from app.views.text import plain

_CHART = {"displayModeBar": False}


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
    most = found.fired[int(np.argmax(found.shares[:, asked] - found.shares[:, rival]))]
    st.caption(
        f"Full colour: {plain(names[0])}; pale: {plain(names[1])}. Exact, because branches are "
        f"summed: the bars of a class, the bias among them, add up to its logit ({', '.join(sums)})"
        f". Branch {most} speaks most for {plain(names[0])} against {plain(names[1])}."
    )
