"""Which data set: the test images of a checkpoint, or a visitor's own route log."""

from __future__ import annotations

import streamlit as st

from app import datasets
from app.datasets import DataSet
from app.views.inspect.controls import choose_checkpoint
from app.views.text import plain
from hydranet.checkpoints import Checkpoint
from hydranet.specialisation import Slice, slice_figures

_UPLOAD = "own_log"


def choose_data(good: list[Checkpoint]) -> DataSet:
    """The data set; InputError if its log cannot be read."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        with st.container(width=320):
            checkpoint = choose_checkpoint(good)
        with st.popover("Your own route log", icon=":material/upload_file:"):
            file = st.file_uploader(
                "A route log as Parquet", type=["parquet"], key=_UPLOAD,
                help="Columns as `routes.parquet` of a checkpoint has them.",
            )  # fmt: skip
            st.caption(
                f"At most {datasets.MOST_BYTES >> 20} MiB and {datasets.MOST_ROWS:,} images. It is "
                "read with the classes and subtasks of the network chosen here, and stays on this "
                "server only while you look."
            )
    if file is None:
        return datasets.of_checkpoint(checkpoint)
    return datasets.of_upload(checkpoint, file.name, file.getvalue())


def show_summary(data: DataSet) -> None:
    """What is looked at, and its figures, in a sentence."""
    table, found = data.table, data.ask(slice_figures, Slice())
    images = (
        f"**{table.rows:,} images** of your file {plain(data.own)}, as **{plain(data.card.name)}** "
        "answered them"
        if data.own
        else f"**{table.rows:,} test images** of {plain(data.card.data.name)} through "
        f"**{plain(data.card.name)}**"
    )
    words = [f"{100 * found.right:.1f} % are answered right"]
    if table.num_branches:
        words.append(f"{table.k} of {table.num_branches} branches fire for each image")
    if found.hit is not None:
        words.append(f"the branch of the right subtask is among them for {100 * found.hit:.1f} %")
    st.markdown(f"{images}: {'; '.join(words)}.")
