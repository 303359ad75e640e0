"""How our checkpoints were trained: a small table, and the curves of one run."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.charts.training_curves import HEIGHT, training_curves
from app.views.text import plain
from hydranet.checkpoints import Checkpoint


def show_runs(checkpoints: Sequence[Checkpoint]) -> None:
    """The section; nothing where there is no checkpoint."""
    if not checkpoints:
        return
    st.markdown("#### How ours were trained")
    st.dataframe(_table(checkpoints), hide_index=True, key="training_runs")
    by_name = {checkpoint.name: checkpoint for checkpoint in checkpoints}
    name = st.selectbox(
        "Training run", list(by_name), key="run", bind="query-params", width=320
    )  # fmt: skip
    card = by_name[name].card
    st.markdown(f"**Top-1 and loss of {plain(name)} after each epoch**")
    if not card.history:
        st.caption("The card of this checkpoint records no epochs.")
        return
    st.plotly_chart(
        training_curves(card.history),
        key="training_curves",
        height=HEIGHT,
        config={"displaylogo": False, "displayModeBar": False},
        alt="Line charts over the epochs: validation and training top-1 in percent, training loss.",
    )
    best = max(card.history, key=lambda record: record.validation_top1)
    st.caption(
        f"Validation top-1 peaks at {best.validation_top1:.1f} % in epoch {best.epoch + 1} of "
        f"{len(card.history)}, on {card.data.validation_images:,} images held out of the training "
        "split. Training top-1 is measured on augmented images while the weights still change."
    )


def _table(checkpoints: Sequence[Checkpoint]) -> pd.DataFrame:
    cards = [checkpoint.card for checkpoint in checkpoints]
    return pd.DataFrame(
        {
            "Checkpoint": [checkpoint.name for checkpoint in checkpoints],
            "Epochs": [card.recipe.epochs for card in cards],
            "Training time (s)": [round(card.provenance.seconds) for card in cards],
            "Data set": [card.data.name for card in cards],
            "Started from": [card.recipe.start or "scratch" for card in cards],
            "Hardware": [card.provenance.hardware for card in cards],
            "Threads": [card.provenance.threads for card in cards],
            "Versions": [
                ", ".join(f"{k} {v}" for k, v in card.provenance.versions.items()) for card in cards
            ],
            "Date": [card.provenance.created for card in cards],
        }
    )
