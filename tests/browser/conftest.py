"""A served dashboard and a real browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from app.intake import SAMPLES
from app.outside.serving import CHROMIUM_FLAGS, find_chromium, served

_PATIENCE_MS = 60_000


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a dashboard on the shipped checkpoints."""
    with served() as dashboard:
        yield dashboard.address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium; CI fails where it is missing, elsewhere its tests are skipped."""
    path = find_chromium()
    if path is None:
        if os.environ.get("HYDRANET_REQUIRE_BROWSER"):
            pytest.fail("Chromium is missing, and HYDRANET_REQUIRE_BROWSER asks for it")
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def photos() -> list[Path]:
    """Two sample photos as files, for an upload."""
    return [SAMPLES / f"{name}.jpg" for name in ("coffee", "cat")]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh visitor at 1280×800."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(_PATIENCE_MS)
    expect.set_options(timeout=_PATIENCE_MS)
    yield context.new_page()
    context.close()
