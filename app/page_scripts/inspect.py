"""Inspect: one image in, its route out."""

from __future__ import annotations

import streamlit as st

from app import services
from app.views import inspect as view
from app.views.damaged import damaged_notice
from hydranet.errors import InputError


def page() -> None:
    """Image and controls on the left, the network in the middle, answer and cost on the right."""
    good, damaged = services.checkpoints()
    if not good:
        damaged_notice(damaged)
        st.info("There is no checkpoint to show yet. Train one with `hydranet train`.")
        return
    left, middle, right = st.columns([1.05, 2.2, 1.25], gap="medium")
    with left:
        checkpoint = view.choose_checkpoint(good)
        intake = view.choose_image()
        k = view.choose_k(checkpoint.card)
    if intake is None:
        return
    card = checkpoint.card
    key = (checkpoint.name, card.weights_sha256)
    try:
        found = services.prediction(*key, intake.sha256, k, checkpoint, intake.image)
        log = services.route_log(*key, checkpoint)
    except InputError as error:
        with middle:
            view.refused(str(error))
        return
    with left:
        view.show_image(intake, found)
    with middle:
        view.show_network(card, found)
    with right:
        view.show_answer(card, found, log)
        view.show_cost(card, found)
    if found.fired:
        view.show_details(card, found)
    damaged_notice(damaged)


page()
