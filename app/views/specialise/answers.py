"""Answers: whether their probability can be trusted, and which classes are hard."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.charts.specialise.class_bars import accuracy_bars
from app.charts.specialise.reliability import reliability_diagram
from app.charts.specialise.words import reliability_sentence, reliability_text
from app.datasets import DataSet
from app.views.text import plain
from hydranet.specialisation import confusion, reliability

_CHART = {"displaylogo": False, "displayModeBar": False}


def show_answers(data: DataSet) -> None:
    """Accuracy of every class over the reliability of the answer."""
    accuracy = data.ask(confusion).accuracy
    subtasks = data.table.subtask_of_class
    st.markdown("#### How often each class is answered right")
    ranked = [int(c) for c in np.argsort(accuracy, kind="stable") if not np.isnan(accuracy[c])]
    hard, easy = ranked[:3], ranked[::-1][:3]

    def named(classes: list[int], mark: bool = False) -> str:
        return ", ".join(
            f"{plain(data.class_names[c]) if mark else data.class_names[c]} "
            f"{100 * accuracy[c]:.0f}\u00a0%"
            for c in classes
        )

    st.plotly_chart(
        accuracy_bars(accuracy, data.class_names, subtasks), key="class_accuracy", config=_CHART,
        alt=f"Bars of the accuracy of {len(ranked)} classes. Hardest: {named(hard)}; easiest: "
        f"{named(easy)}.",
    )  # fmt: skip
    words = f"Hardest: {named(hard, True)}. Easiest: {named(easy, True)}."
    if subtasks is not None:
        words += (
            " Classes of a subtask stand side by side, in the colour of the branch that is meant "
            "for them."
        )
    st.caption(words)
    st.markdown("#### Is the answer as sure as it should be?")
    found = data.ask(reliability, "answer")
    left, right = st.columns([3, 2], gap="medium", vertical_alignment="center")
    left.plotly_chart(
        reliability_diagram(found), key="answer_reliability", config=_CHART,
        alt=reliability_text(found, "answer"),
    )  # fmt: skip
    right.caption(reliability_sentence(found, "the probability of the answer lies", "it is right"))
