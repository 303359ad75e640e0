"""The line for a core of the server: whoever waits in it is told how many are before them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from app.cores.computing import telling


@contextmanager
def place_in_line() -> Iterator[None]:
    """Where something that is computed within must wait for a core, say so here meanwhile.

    To say it is also where Streamlit ends the run of a visitor who has left or done something else,
    so what nobody waits for any more leaves the line.
    """
    place, told = st.empty(), False

    def tell(before: int) -> None:
        nonlocal told
        told = True
        place.caption(in_line(before))

    try:
        with telling(tell):
            yield
    finally:
        if told:
            place.empty()


def in_line(before: int) -> str:
    """The visitor's place, as a sentence."""
    those = {0: "you are next", 1: "1 is before you"}.get(before, f"{before} are before you")
    return f"Waiting for a core of this server: {those}."
