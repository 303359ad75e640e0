"""The work on a batch: its bar, the time left, and the button that stops it.

A press on any widget stops the script where it next moves the bar. What is done stays in the batch,
and the next run goes on behind it, unless the press was on Cancel.
"""

from __future__ import annotations

import time

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.batch import Batch
from app.computing import telling
from app.views.inspect.waiting import duration
from app.views.line import in_line
from hydranet.bulk.rows import Settings
from hydranet.checkpoints import Checkpoint


def work(batch: Batch, checkpoint: Checkpoint, settings: Settings) -> None:
    """Route what is not routed yet; InputError if the checkpoint is damaged."""
    batch.set_up(checkpoint, settings)
    place = st.empty()
    if not batch.is_done:
        with place.container():
            bar = st.progress(0.0, text=_said(batch, ""))
            st.button("Cancel", key="cancel_batch", icon=":material/close:", on_click=batch.stop)
        started, before = time.monotonic(), len(batch.rows)
        while not batch.is_done:
            with telling(lambda ahead: _move(bar, batch, f". {in_line(ahead)}")):
                done = batch.advance(checkpoint, settings)
            passed = time.monotonic() - started
            left = passed * (batch.goal - done) / max(done - before, 1)
            _move(bar, batch, f", about {duration(left)} left")
        place.empty()
    if batch.goal < len(batch.items):
        rest = len(batch.items) - batch.goal
        with place.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"Stopped: {rest:,} of {len(batch.items):,} images are left.")
            st.button("Go on", key="go_on", icon=":material/play_arrow:", on_click=batch.go_on)


def _move(bar: DeltaGenerator, batch: Batch, left: str) -> None:
    bar.progress(len(batch.rows) / batch.goal, text=_said(batch, left))


def _said(batch: Batch, left: str) -> str:
    return f"{len(batch.rows):,} of {batch.goal:,} images done{left}"
