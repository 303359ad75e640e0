"""What became of a batch: a sentence, two charts, what was rejected, and files to keep."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from app.batch import Batch
from app.batch_table import answers, as_csv, class_name, loads, readable, rejected
from app.charts.batch import answer_bars, load_bars
from app.charts.batch_words import answers_sentence, answers_text, load_sentence, load_text
from app.views.text import plain
from hydranet.bulk.rows import Row, Settings
from hydranet.bulk.table import parquet_bytes
from hydranet.checkpoints.card import Card

_CHART = {"displayModeBar": False}
_SHOWN_REASONS = 5


def show_summary(rows: list[Row], card: Card) -> None:
    """How many images, and what they cost on average."""
    found = [one for _, one in readable(rows)]
    routed = f"{len(found):,} image{'s' if len(found) != 1 else ''}"
    st.markdown(f"#### {routed} through {plain(card.name)}")
    if bad := len(rows) - len(found):
        st.caption(f"{bad:,} of {len(rows):,} cannot be read; the reasons stand below the table.")
    if not found:
        return
    costs = card.costs
    if not costs.num_branches:
        st.markdown(f"A static network: {costs.routed_macs / 1e6:.1f} M MACs for each image.")
        return
    mean = sum(one.macs for one in found) / len(found)
    fired = sum(len(one.fired) for one in found) / len(found)
    st.markdown(
        f"On average {fired:.1f} of {costs.num_branches} branches fired and an image cost "
        f"{mean / 1e6:.1f} M MACs, {100 * mean / costs.all_branches_macs:.0f}\u00a0% of what all "
        "branches would."
    )


def show_rejected(rows: list[Row]) -> None:
    """Each image that cannot be read, with the reason."""
    bad = rejected(rows)
    if not bad:
        return
    those = "1 image" if len(bad) == 1 else f"{len(bad):,} images"
    lines = [f"- {plain(row.file)}: {plain(row.reason)}" for row in bad[:_SHOWN_REASONS]]
    st.warning(f"{those} cannot be read:\n\n" + "\n".join(lines), icon=":material/warning:")
    if len(bad) > _SHOWN_REASONS:
        with st.expander(f"All {len(bad):,} reasons"):
            st.dataframe(
                pd.DataFrame(
                    {"File": [row.file for row in bad], "Reason": [row.reason for row in bad]}
                ),
                hide_index=True,
                column_config={"Reason": st.column_config.TextColumn(width="large")},
                alt="The images that cannot be read, each with the reason.",
                key="batch_rejected",
            )


def show_charts(rows: list[Row], card: Card) -> None:
    """How often each branch fired, and what was answered, side by side."""
    counts = [(class_name(card, index), count) for index, count in answers(rows)]
    branches = card.costs.num_branches
    left, right = st.columns([3, 2], gap="medium") if branches else (None, st.container())
    if left:
        load = loads(rows, branches)
        with left:
            st.markdown(f"**How often each {card.policy.branch} fired**")
            alt = load_text(load, card.policy)
            st.plotly_chart(load_bars(load), key="batch_load", config=_CHART, alt=alt)
            st.caption(load_sentence(load, card.policy))
    with right:
        st.markdown("**What was answered**")
        st.plotly_chart(
            answer_bars(counts), key="batch_answers", config=_CHART, alt=answers_text(counts)
        )
        st.caption(plain(answers_sentence(counts)))


def show_keep(batch: Batch, card: Card, settings: Settings) -> None:
    """Everything that is done as files, made when asked for; rejected images are in them too."""
    rows = list(batch.rows)
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Download as Parquet",
            data=partial(parquet_bytes, rows, card, settings),
            file_name="hydranet_routes.parquet",
            mime="application/vnd.apache.parquet",
            icon=":material/download:",
            on_click="ignore",
            key="batch_parquet",
        )
        st.download_button(
            "Download as CSV",
            data=partial(as_csv, rows, card, settings),
            file_name="hydranet_routes.csv",
            mime="text/csv",
            icon=":material/table:",
            on_click="ignore",
            key="batch_csv",
        )
    st.caption(
        "All images, whatever the filter shows, with gate scores, routes and reasons; the command "
        "hydranet route writes the same columns for any number of images."
    )
