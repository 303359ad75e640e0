"""A visitor asks which branch fires for a class, clicks a square, and sees those images."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

CELL = """() => {
  const plot = document.querySelector('.st-key-firing_map .js-plotly-plot');
  const trace = plot.data[1], x = plot._fullLayout.xaxis, y = plot._fullLayout.yaxis;
  const box = plot.getBoundingClientRect();
  return {x: box.x + x._offset + x.d2p(trace.x[0]), y: box.y + y._offset + y.d2p(trace.y[0]),
          name: trace.customdata[0][1], cell: trace.customdata[0][0]};
}"""


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
    expect(page.get_by_test_id("stMetric").first).to_contain_text(re.compile(r"\b\d\d\b"))
    expect(page).to_have_url(re.compile(rf"label={cell['name']}.*branch={branch}"))
    everything = page.url

    # The address shows the same to someone else, and another filter narrows it.
    page.goto(everything)
    settled(page)
    before = page.get_by_test_id("stMetric").first.inner_text()
    page.get_by_role("combobox", name="Answered").click()
    page.get_by_role("option", name="wrong").click()
    expect(page.get_by_test_id("stMetric").nth(1)).to_contain_text("0.0 %")
    assert page.get_by_test_id("stMetric").first.inner_text() != before

    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    text = download.value.path().read_text()
    assert text.startswith('"index","label"')
    assert cell["name"] in text

    page.get_by_role("button", name="All images").click()
    expect(page.get_by_test_id("stMetric")).to_have_count(0)
