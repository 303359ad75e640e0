"""The images of a batch as a table: filter it, sort it by its headers, click a row to inspect."""

from __future__ import annotations

import streamlit as st

from app import state
from app.batch import Batch
from app.batch_table import Wanted, answers, class_name, readable, table
from app.charts.palette import branch_colour
from app.views.to_inspect import open_on_inspect
from hydranet.bulk.rows import Found, Row, Settings
from hydranet.checkpoints import Checkpoint
from hydranet.checkpoints.card import Card

_JUMPS = "batch_jumps"
_HEIGHT = 440
_ROW_HEIGHT = 44


def choose_rows(rows: list[Row], card: Card) -> list[tuple[Row, Found]]:
    """The rows that the visitor wants to see."""
    everything = readable(rows)
    counts = dict(answers(rows))
    fired = sorted({branch for _, found in everything for branch in found.fired})
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        chosen = st.multiselect(
            "Answer", list(counts), key="wanted_answers", width=260, placeholder="any",
            format_func=lambda c: f"{class_name(card, c)} ({counts.get(c, 0):,})",
        )  # fmt: skip
        branches = (
            st.multiselect(
                "Fired branches", fired, key="wanted_branches", width=260, placeholder="any"
            )
            if fired
            else []
        )
        least, most = st.slider(
            "Probability of the answer (%)", 0, 100, (0, 100), key="wanted_probability", width=260
        )
    wanted = Wanted(frozenset(chosen), frozenset(branches), least, most)
    return [(row, found) for row, found in everything if wanted.has(found)]


def show_table(
    batch: Batch, shown: list[tuple[Row, Found]], checkpoint: Checkpoint, settings: Settings
) -> None:
    """One image a row; a click on any cell of it opens it on Inspect."""
    if not shown:
        st.info("No image is left by the filter. Widen it above.")
        return
    card = checkpoint.card
    numbers = [str(branch) for branch in range(card.costs.num_branches)]
    event = st.dataframe(
        table(batch, shown, card),
        hide_index=True,
        height=min(_HEIGHT, _ROW_HEIGHT * len(shown) + 40),
        row_height=_ROW_HEIGHT,
        on_select="rerun",
        selection_mode="single-cell",
        column_config={
            "Image": st.column_config.ImageColumn(width=60),
            "File": st.column_config.TextColumn(width="medium"),
            "Probability (%)": st.column_config.NumberColumn(format="%.1f"),
            "Fired branches": st.column_config.MultiselectColumn(
                options=numbers, color=[branch_colour(int(number)) for number in numbers]
            ),
            "Its probability (%)": st.column_config.NumberColumn(format="%.1f"),
            "MACs (M)": st.column_config.NumberColumn(format="%.1f"),
        },
        alt="The images of the batch, one a row: answer, probability, fired branches, MACs.",
        key=f"batch_table_{st.session_state.setdefault(_JUMPS, 0)}",
    )
    st.caption(
        f"{len(shown):,} of {len(readable(batch.rows)):,} images. **Click a row** to look at it "
        "on Inspect; click a header to sort."
    )
    if cells := event.selection.cells:
        row, _ = shown[cells[0][0]]
        _inspect(batch, row, checkpoint, settings)


def _inspect(batch: Batch, row: Row, checkpoint: Checkpoint, settings: Settings) -> None:
    """Go to Inspect with the image and the same settings."""
    item = batch.items[row.index]
    st.session_state[_JUMPS] += 1  # a new table: its cell is not selected when the visitor returns
    settled: dict[str, object] = {}
    if settings.k is not None:
        settled = {
            state.K: settings.k,
            state.threshold_of(checkpoint.card.policy): round(100 * (settings.threshold or 0)),
        }
    open_on_inspect(item.name, item.load(), checkpoint, settled)
