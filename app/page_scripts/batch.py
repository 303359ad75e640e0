"""Batch: many images in, their routes out."""

from __future__ import annotations

import streamlit as st

from app import services
from app.batch_table import readable
from app.views.batch import results, source, table
from app.views.batch.controls import choose_settings
from app.views.batch.work import work
from app.views.inspect.controls import choose_checkpoint
from app.views.notices import damaged_notice, refused
from hydranet.errors import InputError


def page() -> None:
    """Images and settings on the left; what became of them on the right, the table below."""
    good, damaged = services.checkpoints()
    if not good:
        damaged_notice(damaged)
        st.info("There is no checkpoint to show yet. Train one with `hydranet train`.")
        return
    left, right = st.columns([1, 3], gap="medium")
    with left:
        batch = source.choose_batch()
        checkpoint = choose_checkpoint(good)
        card = checkpoint.card
        settings = choose_settings(card)
        source.show_forget()
    with right:
        source.show_notes(batch)
        if not batch.items:
            return
        try:
            work(batch, checkpoint, settings)
        except InputError as error:
            refused(str(error))
            return
        rows = batch.rows
        results.show_summary(rows, card)
        results.show_rejected(rows)
        if readable(rows):
            results.show_charts(rows, card)
    if readable(rows):
        table.show_table(batch, table.choose_rows(rows, card), checkpoint, settings)
        results.show_keep(batch, card, settings)
    damaged_notice(damaged)


page()
