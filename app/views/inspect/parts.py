"""One part of the network, opened: by a click on the picture or by name."""

from __future__ import annotations

import streamlit as st

from app import state
from app.charts.feature_maps import ACROSS, maps_picture, silent, strongest
from app.charts.gate import gate_score_bars
from app.charts.words import maps_text, scores_text
from app.feature_maps import feature_maps
from app.inspection import Inspection
from app.views.inspect.combiner import show_combiner
from app.views.text import plain
from hydranet.card import Card
from hydranet.errors import InputError

_CHART = {"displayModeBar": False}


def part_names(card: Card) -> list[str]:
    """The parts of a network that can be opened, from the image to the answer."""
    if not card.costs.num_branches:
        return ["stem", "last stage"]
    gate = ["gate"] if card.architecture.has_subtasks else []
    branches = [f"branch {b}" for b in range(card.costs.num_branches)]
    return ["stem", *gate, *branches, "combiner"]


def opened_part(card: Card) -> str | None:
    """The part that is open now, None where another section is."""
    if state.held(state.SECTION) not in (None, state.PARTS_SECTION):
        return None
    names = part_names(card)
    part = state.held(state.PART)
    return part if isinstance(part, str) and part in names else names[1]


def show_part(inspection: Inspection) -> None:
    """The part that was clicked; until then the gate, or what stands in its place."""
    names = part_names(inspection.card)
    if st.session_state.get(state.PART) not in (None, *names):
        st.session_state[state.PART] = names[1]
    part = st.selectbox("Part", names, index=1, key=state.PART, bind="query-params", width=240)
    if part == "combiner":
        show_combiner(inspection)
        return
    if part == "gate":
        _gate(inspection)
    elif part.startswith("branch "):
        _branch(inspection, int(part.removeprefix("branch ")))
    _maps(inspection, part)


def _gate(inspection: Inspection) -> None:
    found = inspection.found
    st.plotly_chart(
        gate_score_bars(found), key="gate_scores", config=_CHART, alt=scores_text(found)
    )
    if margin := found.gate_margin:
        last, first, gap = margin
        st.caption(
            f"Between branch {last}, the last that fired, and branch {first}, the first that did "
            f"not, lie {gap:.2f}. A small step means that the gate might as well have chosen "
            "the other; below zero, a switch decided against the gate."
        )
    else:
        st.caption("Every branch fired: the gate refused none.")


def _branch(inspection: Inspection, branch: int) -> None:
    found = inspection.found
    if inspection.card.subtasks:
        names = ", ".join(plain(inspection.class_name(c)) for c in inspection.card.subtasks[branch])
        st.markdown(f"**Subtask:** {names}")
    else:
        st.markdown("A head has no subtask: it answers for every class.")
    weights = dict(zip(found.fired, found.weights, strict=True))
    fired = f"fired, weight {weights[branch]:.3f}" if branch in weights else "did not fire"
    st.caption(
        f"It {fired}. Gate score {found.gate_scores[branch]:.2f}, confidence "
        f"{100 * found.gate_confidence[branch]:.1f}\u00a0%."
    )
    key = f"switch_{branch}"
    st.session_state[key] = state.switch_of(branch)
    st.segmented_control(
        "Who decides about this branch",
        state.SWITCH,
        key=key,
        required=True,
        on_change=lambda: state.set_switch(branch, st.session_state[key]),
    )


def _maps(inspection: Inspection, part: str) -> None:
    """What the part made of the image, channel by channel."""
    try:
        maps = feature_maps(inspection, part)
    except InputError as error:
        st.info(plain(str(error)))
        return
    count, height, width = maps.shape
    name = part if part.startswith("branch ") else f"the {part}"
    st.plotly_chart(
        maps_picture(maps, f"Feature maps of {name}"),
        key="feature_maps",
        config=_CHART,
        alt=maps_text(maps, name),
    )
    quiet = silent(maps)
    silence = f"{quiet} of them found nothing (zero everywhere)" if quiet else "none is silent"
    ran = (
        ""
        if not _skipped(inspection, part)
        else " The branch did not run; this is what it would have seen."
    )
    st.caption(
        f"{count} channels of {height}×{width}, from the top left in rows of {ACROSS}, on one "
        f"scale: bright is where a channel found its pattern in the image. The strongest is "
        f"channel {strongest(maps)}; {silence}.{ran}"
    )


def _skipped(inspection: Inspection, part: str) -> bool:
    return part.startswith("branch ") and int(part.split()[1]) not in inspection.found.fired
