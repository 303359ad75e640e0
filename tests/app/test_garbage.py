"""Cycles that visitors leave are collected, although Streamlit is told not to."""

from __future__ import annotations

import gc
import time
import tomllib
import weakref
from collections.abc import Iterator

import pytest

from app.outside.serving import ROOT
from app.server.garbage import collect_in_background


class Cycle:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Python's own collector rests, so that it is not what the test sees."""
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


def test_what_is_left_behind_is_collected_soon(no_collector: None) -> None:
    over = collect_in_background(every_s=0.01)
    left = weakref.ref(Cycle())
    deadline = time.monotonic() + 10
    while left() is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    over.set()
    assert left() is None


def test_what_was_there_before_is_not_looked_through_again(no_collector: None) -> None:
    before = gc.get_freeze_count()
    collect_in_background(every_s=3600).set()
    assert gc.get_freeze_count() > before + 10_000


def test_streamlit_does_not_collect_after_every_run() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert settings["runner"]["postScriptGC"] is False
