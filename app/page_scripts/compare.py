"""Compare: accuracy against cost, our checkpoints beside the published networks."""

from __future__ import annotations

import streamlit as st

from app import services
from app.comparing.measuring import times
from app.comparing.rows import Entry, comparable, entries
from app.handed_over import own_networks
from app.views.compare.chart import show_chart, show_left_out, show_table
from app.views.compare.chosen import choose_networks
from app.views.compare.controls import View, choose_view
from app.views.compare.measure import measurements
from app.views.compare.sections import show_section
from app.views.compare.words import show_verdict
from app.views.notices import damaged_notice
from app.views.own_network import offer_own_network
from hydranet.published import published_results


def page() -> None:
    """Chart and table side by side, then one section that looks closer."""
    good, damaged = own_networks.on_offer()
    measured = times(measurements(good))
    with_card = [*good, *services.kept_out()]
    rows = entries(with_card, published_results(), measured)
    view = choose_view()
    overview = st.container()  # stands above the list of names, which says what to encircle
    chosen = choose_networks(rows)
    offer_own_network()
    with overview:
        _show_overview(view, rows, chosen)
    show_left_out(sum(not comparable(checkpoint.card) for checkpoint in good))
    damaged_notice(damaged)
    show_section(rows, chosen, good, with_card)


def _show_overview(view: View, rows: list[Entry], chosen: list[Entry]) -> None:
    shown = view.shown(rows)
    if not shown:
        st.info("No family is chosen. Choose at least one above.")
        return
    left, right = st.columns([3, 2], gap="medium")
    with left:
        show_chart(shown, view, chosen)
        show_verdict(shown, rows)
    with right:
        show_table(shown, view.axis)


page()
