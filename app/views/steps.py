"""Work of many small steps: its bar, the time left, and the button that stops it.

A press on any widget stops the script where it next moves the bar. What is done is kept, and the
next run goes on behind it, unless the press was on Cancel.
"""

from __future__ import annotations

import time
from typing import Protocol

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.cores.computing import telling
from app.views.inspect.waiting import duration
from app.views.line import in_line


class Steps(Protocol):
    """Work on so many images (`total`) of which `goal` are to be done and `done` are."""

    @property
    def done(self) -> int: ...  # noqa: D102 # see the class

    @property
    def goal(self) -> int: ...  # noqa: D102 # see the class

    @property
    def total(self) -> int: ...  # noqa: D102 # see the class

    def advance(self) -> None:
        """Do the next few."""
        ...

    def stop(self) -> None:
        """Set the goal to what is done."""
        ...

    def go_on(self) -> None:
        """Set the goal to all."""
        ...


def go_through(work: Steps, *, key: str) -> None:
    """Do what is not done yet; what a step raises passes through. The keys of the buttons begin
    with `key`."""
    place = st.empty()
    if work.done < work.goal:
        with place.container():
            bar = st.progress(0.0, text=_said(work, ""))
            st.button("Cancel", key=f"{key}_cancel", icon=":material/close:", on_click=work.stop)
        started, before = time.monotonic(), work.done
        while work.done < work.goal:
            with telling(lambda ahead: _move(bar, work, f". {in_line(ahead)}")):
                work.advance()
            passed = time.monotonic() - started
            left = passed * (work.goal - work.done) / max(work.done - before, 1)
            _move(bar, work, f", about {duration(left)} left")
        place.empty()
    if work.goal < work.total:
        rest = work.total - work.goal
        with place.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"Stopped: {rest:,} of {work.total:,} images are left.")
            st.button(
                "Go on", key=f"{key}_go_on", icon=":material/play_arrow:", on_click=work.go_on
            )


def _move(bar: DeltaGenerator, work: Steps, left: str) -> None:
    bar.progress(work.done / max(work.goal, 1), text=_said(work, left))


def _said(work: Steps, left: str) -> str:
    return f"{work.done:,} of {work.goal:,} images done{left}"
