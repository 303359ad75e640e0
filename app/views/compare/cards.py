"""The chosen networks side by side: what they cost by part, and a card for each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from app.charts.cost_axes import BATCHES, rounded
from app.charts.part_costs import part_bars, part_table
from app.charts.top1_curve import top1_curve
from app.comparing.rows import Entry
from app.views.compare.recall import show_recall
from app.views.downloads import csv_button
from app.views.figure import saved_as
from app.views.text import plain
from app.words.card import architecture_words, differing, provenance_words, recipe_table
from app.words.card import recipe_words as words_of_recipe
from app.words.teacher import unlike_words
from hydranet.checkpoints import Checkpoint
from hydranet.checkpoints.card import Card


def show_cards(chosen: Sequence[Entry], checkpoints: Sequence[Checkpoint]) -> None:
    """Nothing is computed for networks that are not chosen."""
    if not chosen:
        st.info(
            "Choose networks to see them side by side: click their points in the chart, take the "
            "lasso at its top right and draw it around some, or pick their names above."
        )
        return
    by_name = {checkpoint.name: checkpoint for checkpoint in checkpoints}
    at_hand = [by_name[row.name] for row in chosen if row.at_hand and row.name in by_name]
    if at_hand:
        _show_parts(at_hand)
    highest = max([r.train_top1 for c in at_hand for r in c.card.history] + [50.0])
    best = max([r.validation_top1 for c in at_hand for r in c.card.history] + [highest])
    for column, row in zip(st.columns(len(chosen), gap="medium"), chosen, strict=True):
        with column, st.container(border=True):
            if row.at_hand and row.name in by_name:
                _whole_card(row, by_name[row.name], most=min(100.0, best + 5))
            else:
                _published_card(row)
    if at_hand:
        _show_recipes([checkpoint.card for checkpoint in at_hand])


def _show_parts(at_hand: Sequence[Checkpoint]) -> None:
    networks = [(one.name, one.card.costs, round(one.card.mean_macs)) for one in at_hand]
    st.markdown("**What each part costs one image, in MACs**")
    st.plotly_chart(
        part_bars(networks),
        key="part_bars",
        config=saved_as("cost_by_part"),
        alt="Stacked bars of the multiply–accumulates of stem, gate, branches and combiner, one "
        f"bar for each of {', '.join(name for name, _, _ in networks)}.",
    )
    st.caption("Pale: branches that are there but do not run. A static network is all stem.")
    csv_button(partial(part_table, networks), name="cost_by_part")


def _figures(row: Entry) -> str:
    """The figures of a network as a list."""
    cost = f"{rounded(row.macs_m)} M MACs" + ("" if row.k is None else f" with k = {row.k}")
    lines = [f"top-1 {row.top1:.2f} %, {row.mark.name}", cost]
    if row.params_m is not None:
        lines.append(f"{rounded(row.params_m)} M parameters")
    if row.stored_mb is not None:
        lines.append(f"{rounded(row.stored_mb)} MB of weights as stored")
    for batch in BATCHES:
        if (ms := row.ms(batch)) is not None:
            lines.append(f"{rounded(ms)} ms an image, measured here in batches of {batch}")
    return "\n".join(f"- {plain(line)}" for line in lines)


def _published_card(row: Entry) -> None:
    """What is known of a network that is not here."""
    st.markdown(f"#### {plain(row.name)}")
    st.markdown(_figures(row))
    st.markdown(f"**Source:** {plain(row.source)}")
    missing = "" if row.params_m is not None else " Its parameter count was not given."
    st.caption(f"Published: no weights, no training history and no single answers.{missing}")


def _whole_card(row: Entry, checkpoint: Checkpoint, *, most: float) -> None:
    card = checkpoint.card
    st.markdown(f"#### {plain(row.name)}")
    st.markdown(_figures(row) + f"\n- {plain(_accuracy(card))}")
    st.markdown(plain(architecture_words(card)))
    if card.int8 is not None:
        lost = card.int8.words(routed=card.costs.num_branches > 0)
        st.markdown(plain(f"{lost} Choose it with --engine int8."))
    _show_training(row.name, card, most)
    show_recall(checkpoint)
    st.markdown(f"**Recipe:** {plain(words_of_recipe(card))}")
    st.caption(plain(provenance_words(card)))


def _accuracy(card: Card) -> str:
    if not card.test.hit_rate_by_k:
        return f"top-5 {card.test.top5:.1f} %"
    hit = card.test.hit_rate_by_k[card.costs.k - 1]
    return f"top-5 {card.test.top5:.1f} %, hit rate {hit:.1f} %"


def _show_training(name: str, card: Card, most: float) -> None:
    st.markdown("**Top-1 while it was trained**")
    if not card.history:
        st.caption("The card records no epochs.")
        return
    st.plotly_chart(
        top1_curve(card.history, most=most),
        key=f"top1_curve_{name}",
        config=saved_as(f"training_{name}"),
        alt=f"Validation and training top-1 of {name} by epoch, in percent.",
    )
    last = card.history[-1]
    gap = last.train_top1 - last.validation_top1
    st.caption(
        f"After {len(card.history)} epochs {last.validation_top1:.1f}\u00a0% on the validation "
        f"split; training images {abs(gap):.1f} points {'above' if gap >= 0 else 'below'} that."
    )


def _show_recipes(cards: Sequence[Card]) -> None:
    """Where their training differed."""
    if unlike := unlike_words(cards):
        st.markdown(plain(unlike))
    table = recipe_table(cards)
    st.markdown("**Where the recipes differ**" if len(cards) > 1 else "**The recipe**")
    if len(rows := differing(table)):
        st.dataframe(rows, hide_index=True, key="recipes", alt="Settings of training by network.")
    else:
        st.caption("In nothing: every setting is the same.")
    csv_button(partial(recipe_table, cards), name="recipes", label="CSV of every setting")
