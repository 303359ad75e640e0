"""Which networks stand side by side: chosen by a click, a lasso or by name; the address keeps them.

The chart and the list of names are two ways to the same choice, which the list holds.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.comparing.rows import Entry
from app.views.compare.keys import CHOSEN, SECTION, SIDE_BY_SIDE

MOST = 4
"""So many cards are still wide enough to be read."""

_CLICKED = "clicked_network"
_TOO_MANY = "lasso_held"


def choose_networks(rows: Sequence[Entry]) -> list[Entry]:
    """The list of names; the rows that are chosen, in the order of choice."""
    by_name = {row.name: row for row in reversed(rows)}  # ours come first and win
    names = st.multiselect(
        "Networks side by side",
        list(dict.fromkeys(row.name for row in rows)),
        max_selections=MOST,
        placeholder=f"Click points in the chart, take its lasso, or pick up to {MOST} here",
        key=CHOSEN,
        bind="query-params",
        on_change=_open,
    )
    if held := st.session_state.pop(_TOO_MANY, 0):
        st.caption(f"The lasso held {held} networks; the first {MOST} of them stand side by side.")
    return [by_name[name] for name in names if name in by_name]


def choose_in_chart(key: str, order: Sequence[str]) -> None:
    """What was selected in the chart `key`: one point joins or leaves the choice, several replace
    it, in the `order` of names. In the chart's callback.

    A second click on a point undoes Plotly's selection and reports nothing: then it leaves.
    """
    state = st.session_state
    names = _selected(state[key].selection.points)
    chosen = list(state.get(CHOSEN) or [])
    if len(names) > 1:
        ordered = [name for name in dict.fromkeys(order) if name in names]
        state[_TOO_MANY] = len(ordered) if len(ordered) > MOST else 0
        state[CHOSEN] = ordered[:MOST]
        state.pop(_CLICKED, None)
    elif names:
        (name,) = names
        state[_CLICKED] = name
        state[CHOSEN] = _without(chosen, name) if name in chosen else [*chosen, name][-MOST:]
    elif (name := state.pop(_CLICKED, None)) is not None:
        state[CHOSEN] = _without(chosen, name)
    _open()


def _open() -> None:
    """Show the section of the cards."""
    st.session_state[SECTION] = SIDE_BY_SIDE


def _without(names: list[str], name: str) -> list[str]:
    return [other for other in names if other != name]


def _selected(points: Sequence[dict[str, object]]) -> set[str]:
    found = set()
    for point in points:
        data = point.get("customdata")
        name = data[0] if isinstance(data, list | tuple) and data else data
        if isinstance(name, str):
            found.add(name)
    return found
