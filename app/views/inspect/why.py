"""Why this answer, and why this way: which pixels the numbers behind them rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app import explanations
from app.charts.attribution import THUMB, attribution_figure, symmetric_limit, thumbnail
from app.charts.attribution_words import map_text, meaning
from app.charts.palette import branch_colour
from app.inspection import Inspection
from app.torch_services import needs_torch
from app.views.inspect.waiting import patiently
from app.views.inspect.why_question import Question, choose_method, choose_question
from app.views.notices import refused
from app.views.text import plain
from hydranet.errors import InputError

if TYPE_CHECKING:
    from hydranet.explain.attributions import Attribution

_CHART = {"displayModeBar": False}
_LARGE_DELTA = 0.05
_SMALL = 0.01


def show_why(inspection: Inspection) -> None:
    """Question and method, then the map of the number asked for and of each branch's part."""
    choices, result = st.columns([1, 3], gap="medium")
    try:
        with choices, needs_torch():
            question = choose_question(inspection)
            method = choose_method(inspection.card.policy)
        with result:
            targets = [question.target, *(target for _, target in question.branches)]
            found = explanations.known(inspection, targets, method) or patiently(
                lambda progress: explanations.explain(inspection, targets, method, progress),
                seconds=explanations.estimate_seconds(inspection, targets, method),
                key="why",
            )
    except InputError as error:
        with result:
            refused(str(error))
        return
    if found is None:
        return
    limit = symmetric_limit(attribution.values for attribution in found)
    with result:
        _show_map(inspection, question, found[0], limit)
        _show_branches(inspection, question, found[1:], limit)
    with choices:
        _show_numbers(question, found)


def _show_map(
    inspection: Inspection, question: Question, attribution: Attribution, limit: float
) -> None:
    st.markdown(f"**Which pixels {plain(question.number)} rests on**")
    unit = "" if attribution.method == "grad-cam" else question.unit
    st.plotly_chart(
        attribution_figure(inspection.pixels, attribution.values, limit=limit, unit=unit),
        key="attribution",
        config=_CHART,
        alt=map_text(question.number, attribution.values),
    )
    st.caption(
        f"Red pixels {plain(question.raises)}, blue ones {plain(question.lowers)}; where the grey "
        f"image shows, little counts. {plain(meaning(attribution.method))} {question.note}"
    )


def _show_branches(
    inspection: Inspection, question: Question, found: list[Attribution], limit: float
) -> None:
    if not found:
        return
    called, several = inspection.card.policy.branch, inspection.card.policy.branches
    st.markdown(f"**The part of it of each {called} that ran**")
    with st.container(horizontal=True, gap="small"):
        for (branch, _), attribution in zip(question.branches, found, strict=True):
            st.image(
                thumbnail(
                    inspection.pixels, attribution.values, limit=limit, frame=branch_colour(branch)
                ),
                caption=f"{called} {branch} adds {_amount(attribution.score)}",
                width=THUMB,
                output_format="PNG",
                alt=map_text(f"what {called} {branch} adds", attribution.values),
            )
    st.caption(
        f"All on the scale above: where a map is pale its {called} adds little. The maps of all "
        f"{several} that ran add up to the one above."
    )


def _amount(share: float) -> str:
    return f"{share:+.2f}" if abs(share) >= _SMALL else "about 0"


def _show_numbers(question: Question, found: list[Attribution]) -> None:
    whole = found[0]
    st.metric(f"{question.unit.capitalize()} explained", f"{whole.score:.2f}")
    if whole.delta is not None and whole.relative_delta is not None:
        total = float(whole.values.sum())
        st.caption(
            f"The pixels add up to {total:+.2f}. Image and mean training image differ by "
            f"{total - whole.delta:+.2f}, so {100 * whole.relative_delta:.1f}\u00a0% is missed "
            "(convergence)."
        )
        difference = max(abs(total - whole.delta), 1e-12)
        worst = max(abs(a.delta or 0.0) for a in found) / difference
        if worst > _LARGE_DELTA:
            st.warning(
                f"Up to {100 * worst:.0f}\u00a0% of the difference is missed. Above "
                f"{100 * _LARGE_DELTA:.0f}\u00a0% the map is a rough guide only.",
                icon=":material/warning:",
            )
    seconds = sum(attribution.seconds for attribution in found)
    st.caption(f"Computed in {seconds:.2f} s on this server, one thread, one run.")
