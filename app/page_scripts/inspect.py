"""Inspect: one image in, its route out."""

from __future__ import annotations

import streamlit as st

from app import services, state
from app.handed_over import looked_at, own_networks
from app.inspection import inspect
from app.views.inspect import answer, controls, source
from app.views.inspect.cost import show_cost
from app.views.inspect.filmstrip import show_filmstrip
from app.views.inspect.sections import show_section
from app.views.line import place_in_line
from app.views.notices import damaged_notice, nothing_to_show, refused
from hydranet.errors import InputError


def page() -> None:
    """The images of the session on top; image and controls on the left, the network in the middle,
    answer and cost on the right; one section below that looks closer."""
    state.take_up()
    looked_at.come_back()
    good, damaged = own_networks.on_offer()
    if not good:
        nothing_to_show(damaged)
        return
    strip = st.container()
    left, middle, right = st.columns([1.05, 2.2, 1.25], gap="medium")
    left = left.container(gap="xsmall")
    with left:
        checkpoint = controls.choose_checkpoint(good)
        intake = source.choose_image()
        board = controls.choose_board(checkpoint.card)
    with strip:
        show_filmstrip()
        source.show_what_became_of_files()
    if intake is None:
        with middle:
            source.ask_for_image()
        return
    try:
        with middle, place_in_line():
            inspection = inspect(checkpoint, intake, board)
        log = services.route_log_if_any(checkpoint)
    except InputError as error:
        with middle:
            refused(str(error))
        return
    with left:
        answer.show_image(inspection)
    with middle:
        answer.show_network(inspection)
    with right, place_in_line():
        answer.show_answer(inspection, log)
        show_cost(inspection)
    show_section(inspection)
    damaged_notice(damaged)


page()
