"""Two networks on the same images: where they differ, who is right, at what cost."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from app import datasets, services
from app.charts.specialise.class_bars import difference_bars
from app.comparing.rows import SAME_COST
from app.datasets import DataSet
from app.views.notices import refused
from app.views.specialise import keys
from app.views.text import plain
from app.words.teacher import alike_first, unlike_words
from hydranet.checkpoints.card import Card
from hydranet.errors import InputError
from hydranet.specialisation import Pair

_CHART = {"displaylogo": False, "displayModeBar": False}


def show_pair(data: DataSet) -> None:
    """A table of two by two, and the difference of every class."""
    if data.own is not None:
        st.info("Two networks are compared on their test images. Go back to the test images.")
        return
    others = datasets.same_images(data.checkpoint, services.checkpoints()[0])
    others = alike_first(data.card, others)
    if not others:
        st.info(f"No other network was tested on the same images as {plain(data.card.name)}.")
        return
    names = [other.name for other in others]
    if st.session_state.get(keys.OTHER) not in (None, *names):
        st.session_state[keys.OTHER] = names[0]
    name = st.selectbox("Second network", names, key=keys.OTHER, bind="query-params", width=320)
    other = next(checkpoint for checkpoint in others if checkpoint.name == name)
    try:
        found = datasets.pair(data.checkpoint, other)
    except InputError as error:
        refused(str(error))
        return
    _show_table(found, data.card, other.card)
    _show_classes(found, data)


def _show_table(found: Pair, first: Card, second: Card) -> None:
    images = int(found.images.sum())
    both, ours, theirs = (int(x.sum()) for x in (found.both, found.only_first, found.only_second))
    neither = images - both - ours - theirs
    one, other = plain(first.name), plain(second.name)

    def cell(count: int) -> str:
        return f"{count:,} ({100 * count / images:.1f}\u00a0%)"

    st.markdown("#### Who is right")
    left, right = st.columns([2, 3], gap="medium")
    left.markdown(
        f"| | {other} right | {other} wrong |\n|---|---:|---:|\n"
        f"| **{one} right** | {cell(both)} | {cell(ours)} |\n"
        f"| **{one} wrong** | {cell(theirs)} | {cell(neither)} |"
    )
    same = int(found.same_error.sum())
    right.markdown(
        f"On {images:,} test images **{one}** is right for {100 * (both + ours) / images:.2f} % and"
        f" **{other}** for {100 * (both + theirs) / images:.2f} %. {_verdict(ours, theirs)} Of the "
        f"{neither:,} that both get wrong, {100 * same / max(neither, 1):.0f} % get the same wrong "
        f"answer. Whoever knew which one to ask would be right for "
        f"{100 * (both + ours + theirs) / images:.1f} %."
    )
    right.markdown(_cost(first, second))
    if unlike := unlike_words([first, second]):
        right.markdown(plain(unlike))


def _verdict(ours: int, theirs: int) -> str:
    """How far the difference is from what a coin would give (sign test, normal approximation)."""
    differ = ours + theirs
    if not differ:
        return "They never differ in who is right."
    sigma = abs(ours - theirs) / math.sqrt(differ)
    strength = (
        "no more than chance would give" if sigma < 2 else f"{sigma:.1f} standard deviations "
        "from a draw"
    )  # fmt: skip
    return (
        f"They differ in {differ:,}: {ours:,} against {theirs:,}, {strength} (by counting "
        "images; how much another training run would differ is another question)."
    )


def _cost(first: Card, second: Card) -> str:
    one, other = first.mean_macs, second.mean_macs
    text = (
        f"For one image {plain(first.name)} spends {one / 1e6:.2f} M MACs, {plain(second.name)} "
        f"{other / 1e6:.2f} M"
    )
    if abs(one - other) <= SAME_COST * other:
        return f"{text}: the same cost."
    dear, cheap = (first, second) if one > other else (second, first)
    ratio = max(one, other) / min(one, other)
    return f"{text}: {plain(dear.name)} costs {ratio:.2f} times as much as {plain(cheap.name)}."


def _show_classes(found: Pair, data: DataSet) -> None:
    with np.errstate(invalid="ignore"):
        difference = (found.only_first - found.only_second) / found.images
    known = np.flatnonzero(~np.isnan(difference))
    best, worst = known[difference[known].argmax()], known[difference[known].argmin()]
    st.markdown("#### On which classes")
    st.plotly_chart(
        difference_bars(difference, data.class_names), key="difference", config=_CHART,
        alt=f"Bars of the difference in accuracy on each class, from "
        f"{100 * difference[best]:+.0f} points on {data.class_names[best]} to "
        f"{100 * difference[worst]:+.0f} points on {data.class_names[worst]}.",
    )  # fmt: skip
    st.caption(
        f"Points by which {plain(data.card.name)} is above the other network on each class: most "
        f"on {plain(data.class_names[best])} ({100 * difference[best]:+.0f}), least on "
        f"{plain(data.class_names[worst])} ({100 * difference[worst]:+.0f}). With "
        f"{int(np.median(found.images[known])):,} images a class, single points mean little."
    )
