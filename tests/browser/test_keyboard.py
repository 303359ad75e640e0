"""Inspect by keyboard alone: every control is reached by Tab, and does its work by keys."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

_TABS = 60


def tab_to(page: Page, role: str, label: str) -> None:
    """Press Tab until what has the focus has this role and is called so."""
    seen = []
    for _ in range(_TABS):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                """() => {
                    const e = document.activeElement;
                    const named = e.labels && e.labels[0] && e.labels[0].innerText;
                    const role = e.getAttribute('role') || e.type || e.tagName;
                    const name = e.getAttribute('aria-label') || named || e.innerText || '';
                    return [role, name.slice(0, 60)];
                }"""
            )
        )
        if seen[-1][0] == role and label in seen[-1][1]:
            return
    raise AssertionError(f"Tab does not reach the {role} {label!r}, only {seen}")


def test_route_part_and_switch_are_set_without_a_mouse(page: Page, server: str) -> None:
    page.goto(server)
    title = page.locator(".st-key-network_picture .gtitle")
    expect(title).to_contain_text("fired")
    tab_to(page, "range", "Branches that fire")
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    expect(
        page.locator(".gtitle", has_text=re.compile(r"^Branch \d+ of 20 fired$"))
    ).to_be_visible()

    tab_to(page, "radio", "Parts")
    tab_to(page, "combobox", "Part")
    page.keyboard.type("branch 7")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Who decides about this branch")).to_be_visible()
    tab_to(page, "radio", "gate decides")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page).to_have_url(re.compile(r"on=7\b"))
    expect(
        page.locator(".gtitle", has_text=re.compile(r"^Branches \d+ and 7 of 20"))
    ).to_be_visible()
