"""One part of the network, opened: by a click on the picture or by name."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from app import state
from app.charts.feature_maps import ACROSS, maps_picture, silent, strongest
from app.charts.gate import gate_score_bars
from app.charts.patches import first_of_each, patch_map, patches_text
from app.charts.words import maps_text, scores_text
from app.feature_maps import feature_maps
from app.inspection import Inspection
from app.views.inspect.combiner import show_combiner
from app.views.text import plain
from app.words.policies import no_subtask_words
from hydranet.checkpoints.card import Card
from hydranet.errors import InputError

_CHART = {"displayModeBar": False}


def part_names(card: Card) -> list[str]:
    """The parts of a network that can be opened, from the image to the answer."""
    if not card.costs.num_branches:
        return ["stem", "last stage"]
    gate = ["gate"] if card.policy.gate else []
    branches = [f"branch {b}" for b in range(card.costs.num_branches)]
    combiner = [] if card.policy.in_a_row else ["combiner"]
    return ["stem", *gate, *branches, *combiner]


def opened_part(card: Card) -> str | None:
    """The part that is open now, None where another section is."""
    if state.held(state.SECTION) not in (None, state.PARTS_SECTION):
        return None
    names = part_names(card)
    part = state.held(state.PART)  # the address holds what it is called here
    called = {_called(card, name): name for name in names}
    part = called.get(str(part), part)
    return part if isinstance(part, str) and part in names else names[1]


def show_part(inspection: Inspection) -> None:
    """The part that was clicked; until then the gate, or what stands in its place."""
    names = part_names(inspection.card)
    if st.session_state.get(state.PART) not in (None, *names):
        st.session_state[state.PART] = names[1]
    part = st.selectbox(
        "Part",
        names,
        index=1,
        format_func=partial(_called, inspection.card),
        key=state.PART,
        bind="query-params",
        width=240,
    )
    if part == "combiner":
        show_combiner(inspection)
        return
    if part == "gate":
        _gate(inspection)
    elif part.startswith("branch "):
        _branch(inspection, int(part.removeprefix("branch ")))
    if part == "gate" and inspection.found.tokens is not None:
        _patches(inspection)
        return
    if part == "gate" and inspection.card.policy.in_a_row:
        return
    _maps(inspection, part)


def _called(card: Card, part: str) -> str:
    """What a part is called in a network of this kind."""
    policy = card.policy
    if card.costs.num_branches and part in ("gate", "combiner"):
        return policy.gate if part == "gate" else policy.combiner
    return part.replace("branch ", f"{policy.branch} ")


def _gate(inspection: Inspection) -> None:
    found, policy = inspection.found, inspection.card.policy
    st.plotly_chart(
        gate_score_bars(found), key="gate_scores", config=_CHART, alt=scores_text(found)
    )
    if policy.in_a_row:
        st.caption(
            f"A doubt is 100 % less the probability of an {policy.branch}'s answer; the first has "
            "nothing before it. The image goes on while it is at least "
            f"{100 * _threshold(inspection):.0f} %, the threshold of the dial."
        )
    elif policy.by_token:
        st.caption(
            f"The mean over the image's patches of the share that the {policy.gate} gives each "
            f"{policy.branch}; which patch went where is below."
        )
    elif margin := found.gate_margin:
        last, first, gap = margin
        st.caption(
            f"Between branch {last}, the last that fired, and branch {first}, the first that did "
            f"not, lie {gap:.2f}. A small step means that the gate might as well have chosen "
            "the other; below zero, a switch decided against the gate."
        )
    else:
        st.caption("Every branch fired: the gate refused none.")


def _patches(inspection: Inspection) -> None:
    """Which branch took which patch."""
    found, policy = inspection.found, inspection.card.policy
    st.plotly_chart(
        patch_map(found, inspection.pixels, num_branches=inspection.card.costs.num_branches),
        key="patches",
        config=_CHART,
        width="content",
        alt=patches_text(found),
    )
    first = np.bincount(first_of_each(found).ravel())
    st.caption(
        f"Colour and number: the {policy.branch} that counts most for the patch; hover for the "
        f"others. {policy.branch.capitalize()} {int(first.argmax())} leads for "
        f"{100 * first.max() / first.sum():.0f}\u00a0% of the patches. One that is switched off "
        "leaves its patches to the next best."
    )


def _branch(inspection: Inspection, branch: int) -> None:
    found = inspection.found
    if inspection.card.subtasks:
        names = ", ".join(plain(inspection.class_name(c)) for c in inspection.card.subtasks[branch])
        st.markdown(f"**Subtask:** {names}")
    else:
        st.markdown(no_subtask_words(inspection.card.policy))
    weights = dict(zip(found.fired, found.weights, strict=True))
    gate = inspection.card.policy.gate
    fired = f"fired, weight {weights[branch]:.3f}" if branch in weights else "did not fire"
    scored = (
        f" {gate.capitalize()} score {found.gate_scores[branch]:.2f}, confidence "
        f"{100 * found.gate_confidence[branch]:.1f}\u00a0%."
    )
    st.caption(f"It {fired}.{scored if gate else ''}")
    key = f"switch_{branch}"
    st.session_state[key] = state.switch_of(branch)
    st.segmented_control(
        f"Who decides about this {inspection.card.policy.branch}",
        state.SWITCH,
        format_func=lambda switch: _who_decides(switch, gate),
        key=key,
        required=True,
        on_change=lambda: state.set_switch(branch, st.session_state[key]),
    )


def _who_decides(switch: str, gate: str) -> str:
    """In the words of the policy; where nothing chooses it is k that decides."""
    return switch.replace("gate", gate or "k")


def _threshold(inspection: Inspection) -> float:
    return inspection.card.threshold if inspection.board is None else inspection.board.threshold


def _maps(inspection: Inspection, part: str) -> None:
    """What the part made of the image, channel by channel."""
    try:
        maps = feature_maps(inspection, part)
    except InputError as error:
        st.info(plain(str(error)))
        return
    count, height, width = maps.shape
    called = _called(inspection.card, part)
    name = called if part.startswith("branch ") else f"the {called}"
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
