"""Branches: which fires for which class, how the load is spread, which stand out."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.charts.specialise.firing_map import firing_map, shown_classes
from app.charts.specialise.load_bars import load_bars
from app.charts.specialise.words import findings_sentences, firing_text, load_text, own_and_other
from app.datasets import DataSet
from app.views.clicks import clicked
from app.views.specialise import keys
from app.views.specialise.images import show_slice
from app.views.text import plain
from app.words.policies import a
from hydranet.routing.policies import Policy
from hydranet.specialisation import BranchLoad, branch_load, findings, firing_share

_CHART = {"displaylogo": False, "displayModeBar": False}
_MAP = "firing_map"


def show_branches(data: DataSet) -> None:
    """The map of classes and branches, the slice that was clicked, then the load."""
    if not data.table.num_branches:
        st.info(f"{plain(data.card.name)} is a static network: every image runs all of it.")
        return
    chosen = _show_map(data)
    if chosen != (None, None):
        show_slice(data)
        st.divider()
    _show_load(data)


def _show_map(data: DataSet) -> tuple[int | None, int | None]:
    names, subtasks = data.class_names, data.table.subtask_of_class
    share = data.ask(firing_share)
    keys.fit(keys.LABEL, list(names))
    keys.fit(keys.BRANCH, list(range(data.table.num_branches)))

    def open_it() -> None:
        if cell := clicked(_MAP):
            label, branch = (int(number) for number in cell.split())
            keys.put({keys.LABEL: names[label], keys.BRANCH: branch})
            st.session_state[keys.PAGE] = 1

    chosen = keys.cell(names, data.table.num_branches)
    policy = data.card.policy
    st.markdown(f"#### Which {policy.branch} fires for which class")
    st.plotly_chart(
        firing_map(share, names, subtasks, chosen=chosen, called=policy.branch),
        key=_MAP,
        config=_CHART,
        on_select=open_it,
        selection_mode="points",
        alt=firing_text(share, subtasks, policy),
    )
    words = ["The fuller a square, the larger the share of the class's images that fires it."]
    if subtasks is not None:
        own, other = own_and_other(share, subtasks)
        words.append(
            f"An outline marks a class's own branch: on average it fires for {100 * own:.0f} % of "
            f"the class's images, any other branch for {100 * other:.0f} %."
        )
    else:
        words.append(
            f"{policy.branches.capitalize()} of this network have no subtasks, so no class has "
            f"{a(policy.branch)} of its own."
        )
    if policy.by_token:
        words.append(
            f"Every token has a route of its own; the {data.table.k} that count most for an image "
            "stand for it here."
        )
    shown = len(shown_classes(len(names), data.table.num_branches, subtasks))
    if shown < len(names):
        words.append(f"Shown are the first {shown} of {len(names)} classes, in order of subtask.")
    st.caption(f"{' '.join(words)} **Click a square** to see those images.")
    return chosen


def _show_load(data: DataSet) -> None:
    table = data.table
    if data.card.policy.in_a_row:
        _show_how_far(data)
        return
    load, found = data.ask(branch_load), data.ask(findings)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        called = data.card.policy.branch
        st.markdown(f"#### How often each {called} fires")
        st.plotly_chart(
            load_bars(load.share, even=found.even, right=load.right, called=called),
            key="load",
            config=_CHART,
            alt=load_text(load.share, called),
        )
        st.caption(_load_words(load, found.even, data.card.policy))
    with right:
        policy = data.card.policy
        st.markdown(f"#### Which {policy.branches} stand out")
        every = table.k == table.num_branches
        st.markdown(
            "\n".join(f"- {line}" for line in findings_sentences(found, policy, every=every))
        )


def _load_words(load: BranchLoad, even: float, policy: Policy) -> str:
    """The busiest and the idlest branch, and how evenly all of them fire."""
    busiest, idlest = int(np.argmax(load.share)), int(np.argmin(load.share))
    if load.share[busiest] == load.share[idlest]:
        return f"Every {policy.branch} fires for {100 * load.share[0]:.1f} % of the images."
    return (
        f"The dotted line is an even share, {100 * even:.0f} % of images. "
        f"{policy.branch.capitalize()} {busiest} is the busiest "
        f"({100 * load.share[busiest]:.1f} %, {load.busiest_to_mean:.2f} times the mean), "
        f"{policy.branch} {idlest} the idlest ({100 * load.share[idlest]:.1f} %). "
        f"The entropy of the load is {load.entropy:.2f} of at most {load.most_entropy:.2f} bits: "
        f"as spread as {2**load.entropy:.1f} {policy.branches} that fire alike."
    )


def _show_how_far(data: DataSet) -> None:
    """How many images come to each branch of a row."""
    policy, share = data.card.policy, data.ask(branch_load).share
    st.markdown(f"#### How far images go: which share comes to each {policy.branch}")
    st.plotly_chart(
        load_bars(
            share, even=float(share.mean()), right=data.ask(branch_load).right, called=policy.branch
        ),
        key="load",
        config=_CHART,
        alt=load_text(share, policy.branch),
    )
    st.caption(
        f"Each {policy.branch} runs for the images that the one before it left in doubt: "
        f"{100 * share[-1]:.1f} % come to the last. The dotted line is the mean over all, "
        f"{100 * share.mean():.0f} %."
    )
