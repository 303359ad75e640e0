"""Compare: accuracy against cost, our checkpoints beside the published networks."""

from __future__ import annotations

import streamlit as st

from app import services
from app.comparison import comparable, entries
from app.views import compare as view
from app.views.notices import damaged_notice
from app.views.training_runs import show_runs
from hydranet.published import published_results


def page() -> None:
    """Chart and table side by side, then how ours were trained."""
    good, damaged = services.checkpoints()
    rows = entries(good, published_results())
    axis, log, groups = view.choose()
    shown = view.in_families(rows, groups)
    if shown:
        left, right = st.columns([3, 2], gap="medium")
        with left:
            view.show_chart(shown, axis, log)
            view.show_verdict(shown)
        with right:
            view.show_table(shown)
    else:
        st.info("No family is chosen. Choose at least one above.")
    view.show_left_out(sum(not comparable(checkpoint.card) for checkpoint in good))
    damaged_notice(damaged)
    show_runs(good)


page()
