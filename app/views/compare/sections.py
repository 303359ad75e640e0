"""What stands below the chart, one section at a time: only the chosen one is computed."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.comparing.rows import Entry
from app.views.compare import keys
from app.views.compare.cards import show_cards
from app.views.compare.claim import show_claim
from app.views.compare.measure import show_measure
from app.views.compare.training_runs import show_runs
from hydranet.checkpoints import Checkpoint


def show_section(
    rows: Sequence[Entry],
    chosen: Sequence[Entry],
    checkpoints: Sequence[Checkpoint],
    with_card: Sequence[Checkpoint],
) -> None:
    """The section that the visitor looks at; the address keeps it.

    `with_card`: the checkpoints, and those of which only the card is here.
    """
    name = st.segmented_control(
        "Look closer", keys.SECTIONS, default=keys.EQUAL_ACCURACY, required=True,
        key=keys.SECTION,
        bind="query-params",
    )  # fmt: skip
    match name:
        case keys.SIDE_BY_SIDE:
            show_cards(chosen, with_card)
        case keys.MEASURE:
            show_measure(checkpoints)
        case keys.TRAINING:
            show_runs(with_card)
        case _:
            show_claim(rows)
