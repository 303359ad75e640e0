"""Sentences in place of what cannot be shown."""

from __future__ import annotations

import streamlit as st

from app.views.text import plain
from hydranet.checkpoints import DamagedCheckpoint


def refused(sentence: str) -> None:
    """Why something cannot be shown."""
    st.error(plain(sentence), icon=":material/error:")


def damaged_notice(damaged: list[DamagedCheckpoint]) -> None:
    """Name each damaged checkpoint with the reason; nothing where all are sound."""
    for checkpoint in damaged:
        st.warning(
            f"The checkpoint {plain(checkpoint.name)} is left out: {plain(checkpoint.reason)}",
            icon=":material/warning:",
        )


def nothing_to_show(damaged: list[DamagedCheckpoint]) -> None:
    """In place of a page where no checkpoint is sound."""
    damaged_notice(damaged)
    st.info("There is no checkpoint to show yet. Train one with `hydranet train`.")
