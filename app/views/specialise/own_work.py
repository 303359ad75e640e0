"""A visitor's labelled images go through the network: how far it is, and what was left out."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import datasets
from app.datasets import DataSet
from app.handed_over.own_images import OwnImages
from app.views.steps import go_through
from app.views.text import plain
from hydranet.checkpoints import Checkpoint

_SHOWN_REASONS = 5


def show_own_work(own: OwnImages, checkpoint: Checkpoint) -> DataSet | None:
    """Do what is not done yet, say what became of it, and give it as a data set; None where
    nothing is done. InputError if none of the images can be used."""
    own.set_up(checkpoint)
    go_through(own, key="own_images")
    for note in own.notes:
        st.warning(plain(note), icon=":material/info:")
    if not own.done:
        st.info("Nothing is computed yet. Go on to see the first figures.")
        return None
    _show_rejected(own)
    data = datasets.of_images(own)
    sentences = own.run.labels.sentences(checkpoint.name)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        with st.container(width="stretch"):
            st.caption(plain(" ".join(sentences)))
        st.download_button(
            "Keep the route log", data=own.log, file_name="routes.parquet",
            mime="application/vnd.apache.parquet", icon=":material/download:",
            on_click="ignore", key="keep_own_log",
        )  # fmt: skip
    return data


def _show_rejected(own: OwnImages) -> None:
    """Each image that cannot be read, with the reason."""
    run = own.run
    if not run.rejected:
        return
    those = "1 image" if run.rejected == 1 else f"{run.rejected:,} images"
    lines = [f"- {plain(name)}: {plain(why)}" for name, why in run.reasons[:_SHOWN_REASONS]]
    st.warning(f"{those} cannot be read:\n\n" + "\n".join(lines), icon=":material/warning:")
    if len(run.reasons) > _SHOWN_REASONS:
        with st.expander(f"The first {len(run.reasons):,} reasons"):
            st.dataframe(
                pd.DataFrame(run.reasons, columns=["File", "Reason"]), hide_index=True,
                alt="The images that cannot be read, each with the reason.", key="own_rejected",
            )  # fmt: skip
