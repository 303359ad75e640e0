"""Batch: many images in, their routes out."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.batch_table import readable
from app.handed_over import own_networks
from app.views.batch import results, source, table
from app.views.batch.controls import choose_settings
from app.views.batch.work import work
from app.views.inspect.controls import choose_checkpoint
from app.views.notices import damaged_notice, nothing_to_show, refused
from hydranet.errors import InputError


def page() -> None:
    """Images and settings on the left; what became of them on the right, the table below."""
    good, damaged = own_networks.on_offer()
    if not good:
        nothing_to_show(damaged)
        return
    left, right = st.columns([1, 3], gap="medium")
    with left:
        batch = source.choose_batch()
        checkpoint = choose_checkpoint(good)
        card = checkpoint.card
        settings = choose_settings(card)
        source.show_forget()
    is_new = not batch.rows
    with right:
        with st.container():  # however many notes there are, what follows keeps its place
            source.show_notes(batch)
        progress, beside = st.container(), _area(is_new)
    below = _area(is_new)
    if batch.items:
        try:
            with progress:
                work(batch, checkpoint, settings)
        except InputError as error:
            with right:
                refused(str(error))
            return
        rows = batch.rows
        with _filled(beside, is_new):
            results.show_summary(rows, card)
            source.show_whose()
            if readable(rows):
                results.show_charts(rows, card)
        with _filled(below, is_new):
            if readable(rows):
                table.show_table(batch, table.choose_rows(rows, card), checkpoint, settings)
                results.show_keep(batch, card, settings)
            results.show_rejected(rows)
    damaged_notice(damaged)


def _area(is_new: bool) -> DeltaGenerator:
    """A place for results. Those of a batch before go at once; those of other settings stay until
    there are new ones."""
    return st.empty() if is_new else st.container()


def _filled(area: DeltaGenerator, is_new: bool) -> DeltaGenerator:
    """What is drawn into: an empty place holds one thing, so it gets a container."""
    return area.container() if is_new else area


page()
