"""Which classes a network knows best and worst, on its card."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app import services
from app.charts.class_recall import class_recall, extremes
from app.views.downloads import csv_button
from app.views.figure import saved_as
from app.views.text import plain
from app.words.classes import readable_names
from hydranet.checkpoints import Checkpoint
from hydranet.checkpoints.card import Card
from hydranet.errors import InputError
from hydranet.evaluation.recall import recall_by_class


def show_recall(checkpoint: Checkpoint) -> None:
    """A small chart, and the best and the worst class in words."""
    card, name = checkpoint.card, checkpoint.name
    st.markdown("**Recall of its best and worst classes**")
    try:
        recall = recall_by_class(services.route_log(checkpoint), len(card.class_names))
    except InputError as error:
        st.caption(plain(str(error)))
        return
    classes = extremes(recall)
    if not classes:
        st.caption("The route log holds no image.")
        return
    names, best, worst = readable_names(card.class_names), classes[0], classes[-1]
    words = (
        f"Of the test images of {names[best]} it gets {recall[best]:.0f} % right, of "
        f"those of {names[worst]} {recall[worst]:.0f} %; the median class stands at "
        f"{np.nanmedian(recall):.0f} %."
    )
    st.plotly_chart(
        class_recall(recall, names),
        key=f"class_recall_{name}",
        config=saved_as(f"recall_{name}"),
        alt=f"Bars of the recall of the best and worst classes of {name}, in percent. {words}",
    )
    st.caption(plain(words))
    csv_button(partial(_table, recall, card), name=f"recall_{name}", label="CSV of every class")


def _table(recall: NDArray[np.float64], card: Card) -> pd.DataFrame:
    return pd.DataFrame({"Class": card.class_names, "Recall (%)": recall})
