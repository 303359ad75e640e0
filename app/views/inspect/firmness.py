"""How firm the answer is: a dial is turned on the image until route and answer change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app import explanations, state
from app.charts.stability import Step, stability_figure
from app.charts.stability_words import firmness_sentences, stability_text
from app.inspection import Inspection
from app.views.notices import refused
from app.views.text import plain
from hydranet.errors import InputError

if TYPE_CHECKING:
    from hydranet.explain.stability_strip import StabilityStrip

_CHART = {"displayModeBar": False}


def show_firmness(inspection: Inspection) -> None:
    """A dial, and what the network does over its whole range."""
    from hydranet.explain.dials import DIALS

    choices, result = st.columns([1, 3], gap="medium")
    with choices:
        name = st.selectbox(
            "Dial", [dial.name for dial in DIALS], key=state.DIAL, bind="query-params"
        )
        place = st.container()
    with result:
        try:
            with st.spinner("Turning the dial…"):
                strip = explanations.strip(inspection, name)
        except InputError as error:
            refused(str(error))
            return
        steps, unit = _steps(inspection, strip), strip.dial.unit
        unchanged = strip.neutral
        original = inspection.class_name(strip.answer)
        st.markdown(f"**{plain(original.capitalize())} under {name}**")
        st.plotly_chart(
            stability_figure(
                steps, unchanged=unchanged, original=original, dial=f"{name} ({unit})"
            ),
            key="stability",
            config=_CHART,
            alt=stability_text(steps, unchanged=unchanged, dial=f"{name} ({unit})"),
        )
        st.caption(_caption(inspection))
    with place:
        for sentence in firmness_sentences(steps, unchanged=unchanged, unit=unit):
            st.markdown(plain(sentence))
        _note_limits(inspection)


def _steps(inspection: Inspection, strip: StabilityStrip) -> list[Step]:
    return [
        Step(
            label=f"{round(setting, 2):g}".replace("-", "−"),
            pixels=strip.pixels[i],
            fired=strip.fired[i],
            answer=inspection.class_name(int(strip.answers[i])),
            same=int(strip.answers[i]) == strip.answer,
            free=100 * float(strip.probabilities[i]),
            held=100 * float(strip.held[i]),
        )
        for i, setting in enumerate(strip.settings)
    ]


def _caption(inspection: Inspection) -> str:
    answer = (
        "The dotted line is the image as it came. Filled circle: the same answer; cross: another, "
        "named on hover."
    )
    if not inspection.found.fired:
        return f"{answer} A static network has no route that could change."
    return (
        f"{answer} Squares: branches that fire on the image as it came; diamonds: others. What the "
        "dashed line loses is because the pixels changed; the coloured area between the lines is "
        "because the route did."
    )


def _note_limits(inspection: Inspection) -> None:
    """What was set on the page and does not count here."""
    board = inspection.board
    if board is not None and (board.on or board.off):
        st.caption("The switches of single branches are set aside here: the gate decides alone.")
    if inspection.class_in_question != inspection.found.best:
        st.caption("This is about the answer, not about the class that is asked about.")
