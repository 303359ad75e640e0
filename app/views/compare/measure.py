"""Measure here: time our networks on the machine that serves this page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from app.charts.cost_axes import BATCHES
from app.comparing import measuring
from app.views.compare.measured_chart import show_measured
from app.views.downloads import csv_button
from app.views.inspect.waiting import AT_ONCE_S, patiently
from app.views.notices import refused
from hydranet.checkpoints import Checkpoint
from hydranet.errors import InputError
from hydranet.timing import Measurement

_MINE = "measurements"
_LEAST_RUNS, _RUNS, _MOST_RUNS = 5, 9, 50


def measurements(checkpoints: Sequence[Checkpoint]) -> dict[measuring.Key, Measurement]:
    """What this session measured, and what others did on this server."""
    mine: dict[measuring.Key, Measurement] = st.session_state.get(_MINE, {})
    both = measuring.known(checkpoints) | mine
    here = {(checkpoint.name, checkpoint.card.weights_sha256) for checkpoint in checkpoints}
    return {key: measured for key, measured in both.items() if key[:2] in here}


def show_measure(checkpoints: Sequence[Checkpoint]) -> None:
    """Choose networks, start, and see the times with what they were measured on."""
    if not checkpoints:
        st.info("None of our own checkpoints is here, so there is nothing to time.")
        return
    by_name = {checkpoint.name: checkpoint for checkpoint in checkpoints}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        names = st.multiselect(
            "Networks to time", list(by_name), default=list(by_name), key="timed", width=560
        )
        runs = st.number_input(
            "Runs", _LEAST_RUNS, _MOST_RUNS, _RUNS, key="timed_runs", width=140,
            help="Timed runs of each network in each batch size, after a cold one.",
        )  # fmt: skip
    chosen = [by_name[name] for name in names if name in by_name]
    batches = " and ".join(str(batch) for batch in BATCHES)
    st.caption(
        f"Each is run as this dashboard runs it, on one thread, on {batches} images at a time: "
        f"{measuring.IMAGES}, always the same. HydraNets run with their default k; the table says "
        "how many different branches that fired. Others compute on the same machine: look at the "
        "spread."
    )
    if chosen:
        _run(chosen, int(runs))
    else:
        st.info("No network is chosen. Choose at least one above.")
    if measured := list(measurements(checkpoints).values()):
        _show(measured)


def _run(chosen: Sequence[Checkpoint], runs: int) -> None:
    seconds = max(measuring.estimate_seconds(chosen, runs), AT_ONCE_S)
    try:
        found = patiently(
            partial(measuring.measure_all, chosen, runs), seconds=seconds, key="measure"
        )
    except InputError as error:
        refused(str(error))
        return
    if found:
        st.session_state[_MINE] = st.session_state.get(_MINE, {}) | found
        st.rerun()  # the chart above shows them too


def _show(measured: Sequence[Measurement]) -> None:
    show_measured(measured)
    milliseconds = st.column_config.NumberColumn(format="%.3g")
    st.dataframe(
        measuring.measured_table(measured),
        hide_index=True,
        column_config={
            name: milliseconds for name in ("Median (ms an image)", "Fastest", "Slowest")
        },
        alt="The measured times, one network and batch size a row.",
        key="measured",
    )
    with st.container(horizontal=True, gap="small"):
        csv_button(partial(measuring.measured_table, list(measured)), name="measured_times")
        st.download_button(
            "JSON",
            data=partial(measuring.measured_json, list(measured)),
            file_name="measured_times.json",
            mime="application/json",
            icon=":material/data_object:",
            on_click="ignore",
            key="json_measured_times",
        )
