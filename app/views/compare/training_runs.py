"""How our checkpoints were trained: a small table, and the curves of one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app.charts.training_curves import HEIGHT, LOAD_HEIGHT, branch_load_map, training_curves
from app.views.downloads import csv_button
from app.views.figure import saved_as
from app.views.text import plain
from app.words.card import before_words
from app.words.teacher import WITHOUT
from hydranet.checkpoints import Checkpoint
from hydranet.checkpoints.card import Card


def show_runs(checkpoints: Sequence[Checkpoint]) -> None:
    """The table of all runs, and one of them epoch by epoch."""
    if not checkpoints:
        st.info("None of our own checkpoints is here, so there is no training run to show.")
        return
    st.markdown("#### How ours were trained")
    st.dataframe(_table(checkpoints), hide_index=True, key="training_runs")
    csv_button(partial(_table, checkpoints), name="training_runs")
    by_name = {checkpoint.name: checkpoint for checkpoint in checkpoints}
    name = st.selectbox(
        "Training run", list(by_name), key="run", bind="query-params", width=320
    )  # fmt: skip
    card = by_name[name].card
    if not card.history:
        st.caption("The card of this checkpoint records no epochs.")
        return
    csv_button(
        partial(_epochs, card), name=f"epochs_{name}", label=f"CSV of every epoch of {plain(name)}"
    )
    load = branch_load_map(card.history)
    curves, branches = st.columns([3, 2], gap="medium") if load else (st.container(), None)
    with curves:
        _show_curves(name, card)
    if load and branches:
        with branches:
            _show_load(name, card, load)


def _show_curves(name: str, card: Card) -> None:
    """Top-1, hit rate, loss and learning rate, and what to see in them."""
    st.markdown(f"**{plain(name)} after each epoch**")
    st.plotly_chart(
        training_curves(card.history),
        key="training_curves",
        height=HEIGHT,
        config=saved_as("training_curves"),
        alt="Line charts over the epochs: validation and training top-1 and hit rate in percent, "
        "training loss, learning rate.",
    )
    best = max(card.history, key=lambda record: record.validation_top1)
    st.caption(
        f"Validation top-1 peaks at {best.validation_top1:.1f} % in epoch {best.epoch + 1} of "
        f"{len(card.history)}, on {card.data.validation_images:,} images held out of the training "
        "split. Training top-1 and hit rate are measured on augmented images while the weights "
        "still change."
    )


def _show_load(name: str, card: Card, load: go.Figure) -> None:
    """Which branches fired how often in training."""
    st.markdown(f"**How often each branch of {plain(name)} fired**")
    st.plotly_chart(
        load,
        key="branch_load",
        height=LOAD_HEIGHT,
        config=saved_as("branch_load"),
        alt="Heat map of the share of training images that fired each branch in each epoch.",
    )
    last = card.history[-1].branch_load
    even = 100 * card.costs.k / card.costs.num_branches
    st.caption(
        f"Were all branches alike, each would fire for {even:.0f} % of images. In the last epoch "
        f"the busiest, branch {last.index(max(last))}, fired for {100 * max(last):.0f} %, the "
        f"idlest, branch {last.index(min(last))}, for {100 * min(last):.0f} %."
    )


def _epochs(card: Card) -> pd.DataFrame:
    """A row for each epoch, the loads of the branches in a column each."""
    rows = []
    for record in card.history:
        row = asdict(record)
        loads, terms = row.pop("branch_load"), row.pop("loss_terms")
        rows.append(
            row
            | {f"loss, {term}": value for term, value in terms.items()}
            | {f"load of branch {branch}": load for branch, load in enumerate(loads)}
        )
    return pd.DataFrame(rows)


def _table(checkpoints: Sequence[Checkpoint]) -> pd.DataFrame:
    cards = [checkpoint.card for checkpoint in checkpoints]
    return pd.DataFrame(
        {
            "Checkpoint": [checkpoint.name for checkpoint in checkpoints],
            "Epochs": [card.recipe.epochs for card in cards],
            "Training time (s)": [round(card.provenance.seconds) for card in cards],
            "Data set": [card.data.name for card in cards],
            "Started from": [card.recipe.start or "scratch" for card in cards],
            "Trained before": [before_words(card) for card in cards],
            "Teacher": [card.teacher or WITHOUT for card in cards],
            "Hardware": [card.provenance.hardware for card in cards],
            "Threads": [card.provenance.threads for card in cards],
            "Versions": [
                ", ".join(f"{k} {v}" for k, v in card.provenance.versions.items()) for card in cards
            ],
            "Date": [card.provenance.created for card in cards],
        }
    )
