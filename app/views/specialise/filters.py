"""Which images: one filter for each question, all of them bound to the address."""

from __future__ import annotations

import math
from typing import Literal, cast

import streamlit as st

from app.datasets import DataSet
from app.views.specialise import keys
from hydranet.specialisation import Slice, most_margin

_ANSWERED = {"right": True, "wrong": False}
_UNUSUAL = {
    "same class, different route": "route",
    "same route, different class": "class",
}


def choose_slice(data: DataSet) -> Slice:
    """The slice that the filters name."""
    table = data.table
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        label = _choose("Class", list(data.class_names), keys.LABEL)
        subtask = branch = answered = unusual = None
        if table.subtask_of_class is not None:
            subtask = _choose("Class of subtask", sorted(set(table.subtask_of_class)), keys.SUBTASK)
        if table.num_branches:
            branch = _choose("Fired branch", list(range(table.num_branches)), keys.BRANCH)
        answered = _choose("Answered", list(_ANSWERED), keys.ANSWER)
        if table.num_branches:
            unusual = _choose(
                "Unusual", list(_UNUSUAL), keys.UNUSUAL, width=260,
                help="Same class, different route: another route than the one that most of the "
                "class's images take. Same route, different class: another class than the one that "
                "takes the route most often.",
            )  # fmt: skip
        margin = _choose_margin(data)
        st.button(
            "All images",
            on_click=_clear,
            args=(data.ask(most_margin),),
            icon=":material/filter_alt_off:",
        )
    return Slice(
        label=None if label is None else data.class_names.index(str(label)),
        subtask=cast("int | None", subtask),
        branch=cast("int | None", branch),
        correct=None if answered is None else _ANSWERED[str(answered)],
        unusual=None if unusual is None
        else cast("Literal['route', 'class']", _UNUSUAL[str(unusual)]),
        margin=margin,
    )  # fmt: skip


def _choose(
    label: str, options: list, key: str, *, width: int = 170, help: str | None = None
) -> object:
    keys.fit(key, options)
    return st.selectbox(
        label, options, index=None, placeholder="any", key=key, bind="query-params", width=width,
        on_change=_first_page, help=help,
    )  # fmt: skip


_WIDEST = "widest_margin"


def _choose_margin(data: DataSet) -> tuple[float, float] | None:
    """None where all margins are meant."""
    most = data.ask(most_margin)
    if not most:
        return None
    top = _top(most)
    held, before = st.session_state.get(keys.MARGIN), st.session_state.get(_WIDEST, top)
    st.session_state[_WIDEST] = top
    if held is not None and before != top and held[1] >= before:  # of another network, without end
        st.session_state[keys.MARGIN] = held = (min(held[0], top), top)
    if held is not None and not (0 <= held[0] <= held[1] <= top):
        st.session_state[keys.MARGIN] = (0.0, top)
    low, high = st.slider(
        "Gate margin", 0.0, top, (0.0, top), step=0.1, key=keys.MARGIN, bind="query-params",
        width=220, on_change=_first_page,
        help="Score of the last branch that fired less that of the first refused: a narrow margin "
        "is a close call.",
    )  # fmt: skip
    return None if (low, high) == (0.0, top) else (low, high)


def _first_page() -> None:
    st.session_state[keys.PAGE] = 1


def _clear(most: float | None) -> None:
    for key in (keys.LABEL, keys.SUBTASK, keys.BRANCH, keys.ANSWER, keys.UNUSUAL):
        if key in st.session_state:
            st.session_state[key] = None
    if most and keys.MARGIN in st.session_state:
        st.session_state[keys.MARGIN] = (0.0, _top(most))
    _first_page()


def _top(most: float) -> float:
    """The right end of the slider: the widest margin, rounded up to its step."""
    return math.ceil(10 * most) / 10
