"""What was clicked in a chart."""

from __future__ import annotations

import streamlit as st

from app.state import NETWORK, held


def clicked(key: str) -> str | None:
    """The `customdata` of the point that was just clicked in the chart `key`. In its callback.

    A second click on a point undoes Plotly's selection and reports nothing: then it is that point.
    """
    remembered, network = f"clicked_{key}", held(NETWORK)
    points = st.session_state[key].selection.points
    if points and (data := points[0].get("customdata")):
        st.session_state[remembered] = network, data if isinstance(data, str) else data[0]
    of, data = st.session_state.get(remembered, (None, None))
    return data if of == network else None  # another network's chart has other points
