"""Specialise: a whole data set through one network. Do branches specialise, where does the gate
fail?"""

from __future__ import annotations

import streamlit as st

from app import own_networks
from app.views.notices import damaged_notice, refused
from app.views.specialise.sections import show_section
from app.views.specialise.source import choose_data, show_summary
from hydranet.errors import InputError


def page() -> None:
    """The data set and its figures in a sentence, then one section that looks closer."""
    good, damaged = own_networks.on_offer()
    if not good:
        damaged_notice(damaged)
        st.info("There is no checkpoint to show yet. Train one with `hydranet train`.")
        return
    try:
        if data := choose_data(good):
            show_summary(data)
            show_section(data)
    except InputError as error:
        refused(str(error))
    damaged_notice(damaged)


page()
