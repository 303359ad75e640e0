"""The measured times as a figure, and what to see in it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.charts.measured_times import measured_bars
from app.views.figure import saved_as
from app.views.text import plain
from hydranet.timing import Measurement


def show_measured(measured: Sequence[Measurement]) -> None:
    """Bars with the spread, and a sentence on the fastest network in each batch size."""
    words = " ".join(_fastest(measured, batch) for batch in sorted({m.batch for m in measured}))
    st.markdown("**Milliseconds an image, measured here**")
    st.plotly_chart(
        measured_bars(measured),
        key="measured_bars",
        config=saved_as("measured_times"),
        alt="Bars of measured milliseconds an image by network and batch size, with whiskers from "
        f"the fastest to the slowest run. {words}",
    )
    st.caption(f"{words} Whiskers run from the fastest to the slowest run.")


def _fastest(measured: Sequence[Measurement], batch: int) -> str:
    some = sorted((m for m in measured if m.batch == batch), key=lambda m: m.ms_per_image)
    best = some[0]
    size = "One image at a time" if batch == 1 else f"In batches of {batch}"
    sentence = (
        f"{size}, **{plain(best.checkpoint)}** takes {best.ms_per_image:.2g}\u00a0ms an image"
    )
    if len(some) == 1:
        return f"{sentence}."
    slowest = some[-1]
    times = slowest.ms_per_image / best.ms_per_image
    return f"{sentence}, **{plain(slowest.checkpoint)}** {times:.1f} times as long."
