"""What to see in the comparison, in plain words, from the figures themselves."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.charts.cost_axes import rounded
from app.comparing.rows import Entry, free_saving, interpolated, same_cost, verdict
from app.views.text import plain
from app.words.teacher import rule_words, with_or_without
from hydranet.routing.policies import Policy


def show_verdict(shown: Sequence[Entry], rows: Sequence[Entry]) -> None:
    """Our HydraNets that are shown against all our static networks, and what to be careful of."""
    st.markdown(" ".join([*_ours_with_ours(shown, rows), *_caveats(shown, rows)]))


def _ours_with_ours(shown: Sequence[Entry], rows: Sequence[Entry]) -> list[str]:
    pairs = verdict(shown, rows)
    told = any(row.teacher for row in rows if row.ours)
    sentences = []
    for hydra, static in pairs:
        sentences.append(
            _without_like(hydra) if static is None else _compared(hydra, static, rows, told)
        )
        if saving := free_saving(hydra):
            sentences.append(
                f"{_dialled(hydra.policy, saving.threshold)}, it keeps {saving.top1:.2f} % at "
                f"{rounded(saving.macs_m)} M MACs on average."
            )
    if any(static for _, static in pairs):
        sentences.append("Each was trained once, so differences under a point may be chance.")
    return sentences


def _without_like(hydra: Entry) -> str:
    return (
        f"**{plain(hydra.name)}** ({_cost(hydra)}, {hydra.top1:.2f} %) was trained "
        f"{with_or_without(hydra.teacher)} and none of our static networks was, so it is "
        "held against none of them."
    )


def _cost(hydra: Entry) -> str:
    return f"{rounded(hydra.macs_m)} M MACs with k = {hydra.k}"


def _compared(hydra: Entry, static: Entry, rows: Sequence[Entry], told: bool) -> str:
    """A HydraNet against the static network of nearest cost, or what lies between two of them.

    `told`: say whether they had a teacher.
    """
    taught = with_or_without(hydra.teacher)
    cost = f"{_cost(hydra)}, trained {taught}" if told else _cost(hydra)
    also = f", also {taught}," if told else ""
    if same_cost(hydra, static):
        return (
            f"**{plain(hydra.name)}** ({cost}) takes as many as **{plain(static.name)}**{also} "
            f"and stands {_points(hydra.top1 - static.top1)} it: {hydra.top1:.2f} % to "
            f"{static.top1:.2f} %."
        )
    if between := interpolated(hydra, rows):
        return (
            f"**{plain(hydra.name)}** ({cost}, {hydra.top1:.2f} %) stands "
            f"{_points(hydra.top1 - between.top1)} a static network of its MACs{also or ','} "
            f"interpolated between **{plain(between.cheaper.name)}** and "
            f"**{plain(between.dearer.name)}**: {between.top1:.2f} %."
        )
    which = f"static networks {taught}" if told else "static networks"
    return (
        f"None of our {which} takes as many MACs as **{plain(hydra.name)}** ({cost}, "
        f"{hydra.top1:.2f} %); the nearest is **{plain(static.name)}** "
        f"({rounded(static.macs_m)} M MACs, {static.top1:.2f} %)."
    )


def _points(difference: float) -> str:
    return f"{abs(difference):.2f} points {'above' if difference >= 0 else 'below'}"


def _dialled(policy: Policy, threshold: float) -> str:
    percent = f"{100 * threshold:g} %"
    if policy.in_a_row:
        return f"Stopping at the first {policy.branch} that leaves less than {percent} doubt"
    if not policy.gate:
        return f"With dynamic k, threshold {percent}"
    dropped = f"{policy.branches} that the {policy.gate} gives less than {percent}"
    return f"With dynamic k, dropping {dropped}"


def _caveats(shown: Sequence[Entry], rows: Sequence[Entry]) -> list[str]:
    ours = [row for row in shown if row.ours]
    if not ours:
        return [
            "All networks shown are published; none of our own checkpoints is among them. They "
            "were trained by different recipes, so a gap between two of them is not the "
            "architecture's alone."
        ]
    sentences = []
    if not verdict(shown, rows):
        one_kind = "HydraNets" if ours[0].dynamic else "static networks"
        sentences.append(
            f"Of ours, only {one_kind} are shown, so a HydraNet and a static network trained alike "
            "cannot be compared here."
        )
    if rule := rule_words([row.teacher for row in ours]):
        sentences.append(rule)
    sentences.append(
        "Ours were trained as their cards say (see below), the published networks by other "
        "recipes: compare ours with ours, and take the published points as context."
    )
    return sentences
