"""Specialise: a whole data set through one network. Do branches specialise, where does the gate
fail?"""

from __future__ import annotations

from app.handed_over import own_networks
from app.views.notices import damaged_notice, nothing_to_show, refused
from app.views.specialise.sections import show_section
from app.views.specialise.source import choose_data, show_summary
from hydranet.errors import InputError


def page() -> None:
    """The data set and its figures in a sentence, then one section that looks closer."""
    good, damaged = own_networks.on_offer()
    if not good:
        nothing_to_show(damaged)
        return
    try:
        if data := choose_data(good):
            show_summary(data)
            show_section(data)
    except InputError as error:
        refused(str(error))
    damaged_notice(damaged)


page()
