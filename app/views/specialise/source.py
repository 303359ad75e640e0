"""Which data set: the test images of a checkpoint, or a visitor's own, as a log or as images."""

from __future__ import annotations

import streamlit as st

from app import datasets
from app.datasets import DataSet
from app.handed_over.own_images import OwnImages
from app.views.inspect.controls import choose_checkpoint
from app.views.specialise.own_data import OwnLog, forget, held, offer
from app.views.specialise.own_work import show_own_work
from app.views.text import plain
from hydranet.checkpoints import Checkpoint
from hydranet.specialisation import Slice, branch_load, slice_figures


def choose_data(good: list[Checkpoint]) -> DataSet | None:
    """The data set, None while there is nothing to show of it; InputError if it cannot be read."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        with st.container(width=320):
            checkpoint = choose_checkpoint(good)
        offer()
        own = held()
        if own is not None:
            st.button(
                "Back to the test images", icon=":material/close:", type="tertiary",
                key="forget_own_data", on_click=forget,
            )  # fmt: skip
    if isinstance(own, OwnImages):
        return show_own_work(own, checkpoint)
    if isinstance(own, OwnLog):
        if own.path is not None:
            return datasets.of_path(checkpoint, own.path)
        return datasets.of_upload(checkpoint, own.name, own.content, private=own.private)
    return datasets.of_checkpoint(checkpoint)


def show_summary(data: DataSet) -> None:
    """What is looked at, and its figures, in a sentence."""
    table, found = data.table, data.ask(slice_figures, Slice())
    images = (
        f"**{table.rows:,} images** of your {plain(data.own)}, as **{plain(data.card.name)}** "
        "answered them"
        if data.own
        else f"**{table.rows:,} test images** of {plain(data.card.data.name)} through "
        f"**{plain(data.card.name)}**"
    )
    words = [f"{100 * found.right:.2f} % are answered right"]
    if table.num_branches:
        policy = data.card.policy
        fired = f"{table.k} of {table.num_branches} {policy.branches} fire for each image"
        if policy.in_a_row or policy.by_token:
            mean = float(data.ask(branch_load).share.sum())
            fired = f"on average {mean:.2f} of {table.num_branches} {policy.branches} run"
        words.append(fired)
    if found.hit is not None:
        words.append(f"the branch of the right subtask is among them for {100 * found.hit:.1f} %")
    st.markdown(f"{images}: {'; '.join(words)}.")
