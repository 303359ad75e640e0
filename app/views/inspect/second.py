"""A second network on the same image, beside the first."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from app import state
from app.charts.answer import top5_bars
from app.charts.network import network_picture
from app.charts.words import answer_text, network_text
from app.handed_over import own_networks
from app.inspection import Inspection, inspect, own_board
from app.views.inspect.combiner import show_shares
from app.views.inspect.cost import cost_table
from app.views.notices import refused
from app.views.text import plain
from app.words.teacher import alike_first, unlike_words
from hydranet.checkpoints import Checkpoint
from hydranet.errors import InputError

_CHART = {"displayModeBar": False}
_HEIGHT = 400


def show_second_network(inspection: Inspection) -> None:
    """Routes, answers, shares and costs of two networks side by side."""
    others = {
        checkpoint.name: checkpoint
        for checkpoint in alike_first(inspection.card, own_networks.on_offer()[0])
        if checkpoint.name != inspection.checkpoint.name
    }
    if not others:
        st.info("There is no second network yet. Train one with `hydranet train`.")
        return
    names = list(others)
    if st.session_state.get(state.OTHER) not in (None, *names):
        st.session_state[state.OTHER] = names[0]
    name = st.selectbox(
        "Second network", names, key=state.OTHER, bind="query-params", width=260,
        help="It routes as it does by itself: its own k, no switch.",
    )  # fmt: skip
    try:
        other = _look(others[name], inspection)
    except InputError as error:
        refused(str(error))
        return
    st.markdown(_verdict(inspection, other))
    for column, one in zip(st.columns(2, gap="medium"), (inspection, other), strict=True):
        with column:
            _show_one(one, "first" if one is inspection else "second")


def _look(checkpoint: Checkpoint, first: Inspection) -> Inspection:
    """The second network's inspection of the first one's image, asked about the same class."""
    second = inspect(checkpoint, first.intake, own_board(checkpoint.card))
    name = first.card.class_names[first.class_in_question]
    names = checkpoint.card.class_names
    return replace(second, asked=names.index(name) if name in names else None)


def _verdict(first: Inspection, second: Inspection) -> str:
    """Whether the two agree, and what each spent."""
    answers = [plain(one.class_name(one.found.best)) for one in (first, second)]
    macs = [one.found.macs / 1e6 for one in (first, second)]
    same = answers[0] == answers[1]
    agree = f"Both answer {answers[0]}" if same else f"They differ: {answers[0]} and {answers[1]}"
    said = f"{agree}, for {macs[0]:.1f} M and {macs[1]:.1f} M MACs."
    unlike = plain(unlike_words([first.card, second.card]))
    return f"{said} {unlike}" if unlike else said


def _show_one(one: Inspection, place: str) -> None:
    card, found = one.card, one.found
    st.markdown(f"**{plain(one.checkpoint.name)}**")
    st.plotly_chart(
        network_picture(card, found, board=one.board, height=_HEIGHT),
        key=f"{place}_network",
        config=_CHART,
        alt=network_text(card, found, board=one.board),
    )
    hover = " Hover over a branch for its subtask." if card.subtasks else ""
    st.caption(f"Lit: what ran for this image.{hover}")
    st.plotly_chart(
        top5_bars(card, found), key=f"{place}_top5", config=_CHART, alt=answer_text(card, found)
    )
    st.caption("The five most probable classes.")
    st.markdown(cost_table(one))
    show_shares(one, f"{place}_shares")
