"""A visitor asks which branch fires for a class, clicks a square, and sees those images."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

CELL = """() => {
  const plot = document.querySelector('.st-key-firing_map .js-plotly-plot');
  const {xaxis, yaxis} = plot._fullLayout, point = plot.calcdata[1][0];
  const box = plot.getBoundingClientRect();
  const cell = plot.data[1].customdata[0], name = plot.data[1].hovertext[0];
  return {cell, name, x: box.x + xaxis._offset + xaxis.d2p(point.x),
          y: box.y + yaxis._offset + yaxis.d2p(point.y)};
}"""
"""Of the first square of a class's own branch: "class branch", the class's name, and its place."""


def settled(page: Page) -> None:
    expect(page.locator(".st-key-firing_map .main-svg").first).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute(
        "data-test-script-state", "notRunning"
    )  # fmt: skip
    page.wait_for_timeout(1000)


def test_a_click_on_a_square_shows_its_images(page: Page, server: str) -> None:
    page.goto(f"{server}/specialise?network=hydra_res_d1")
    settled(page)
    expect(page.get_by_test_id("stMetric")).to_have_count(0)
    cell = page.evaluate(CELL)
    branch = cell["cell"].split()[1]
    page.mouse.click(cell["x"], cell["y"])

    expect(page.get_by_test_id("stMetric").first).to_contain_text("Images")
    expect(page.get_by_test_id("stMetric").first).to_contain_text(re.compile(r"Images\d\d"))
    for part in (f"label={cell['name']}", f"branch={branch}"):
        expect(page).to_have_url(re.compile(part))
    everything = page.url

    # The address shows the same to someone else, and another filter narrows it.
    page.goto(everything)
    settled(page)
    before = page.get_by_test_id("stMetric").first.inner_text()
    answered = page.locator(".st-key-answered input")
    answered.click()
    answered.press_sequentially("wrong", delay=50)
    answered.press("Enter")
    expect(page.get_by_test_id("stMetric").nth(1)).to_contain_text("0.0 %")
    assert page.get_by_test_id("stMetric").first.inner_text() != before
    settled(page)  # a button that is drawn anew loses a press

    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    text = download.value.path().read_text()
    assert text.startswith('"index","label"')
    assert cell["name"] in text

    page.get_by_role("button", name="All images").click()
    expect(page.get_by_test_id("stMetric")).to_have_count(0)

    settled(page)
    page.get_by_role("heading", name="Which branch fires").scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    cell = page.evaluate(CELL)
    page.mouse.click(cell["x"], cell["y"] + 1)
    expect(page.get_by_test_id("stMetric").first).to_contain_text("Images")
    expect(page).to_have_url(re.compile(f"label={cell['name']}"))
