"""Compare with a mouse: points clicked and encircled, cards read, times measured and cancelled."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

WHERE = """([chart, name, kind]) => {
  const layout = chart._fullLayout, box = chart.getBoundingClientRect();
  for (const trace of chart.data) {
    const at = (trace.customdata || []).indexOf(name);
    if (at < 0 || trace.mode.includes('lines') !== (kind === 'curve')) continue;
    const x = layout.xaxis.d2p(trace.x[at]), y = layout.yaxis.d2p(trace.y[at]);
    return [box.left + layout.xaxis._offset + x, box.top + layout.yaxis._offset + y];
  }
}"""
"""Where in the window the point of a network stands, or the first of its curve, k = 1."""


def settled(page: Page) -> None:
    expect(page.get_by_test_id("stApp")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=60_000
    )
    page.wait_for_timeout(400)


def opened(page: Page, address: str) -> Locator:
    """The chart of the page Compare, drawn."""
    page.goto(address)
    chart = page.locator(".st-key-accuracy_cost .js-plotly-plot")
    expect(chart.locator(".main-svg").first).to_be_visible()
    settled(page)
    return chart


def where(chart: Locator, name: str, kind: str = "point") -> tuple[float, float]:
    x, y = chart.evaluate(f"(chart, [name, kind]) => ({WHERE})([chart, name, kind])", [name, kind])
    return x, y


def headings(page: Page) -> list[str]:
    """Of the cards."""
    return [h for h in page.locator("h4").all_inner_texts() if not h.startswith("CIFAR")]


def test_two_points_clicked_stand_side_by_side(page: Page, server: str) -> None:
    chart = opened(page, f"{server}/compare")
    for name in ("resnet8", "ShuffleNetV2 x0.5"):
        page.mouse.click(*where(chart, name))
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
        settled(page)
    assert headings(page) == ["resnet8", "ShuffleNetV2 x0.5"]
    expect(page.get_by_text("What each part costs one image")).to_be_visible()
    expect(page.get_by_text("Source: chenyaofo/pytorch-cifar-models")).to_be_visible()
    assert re.search(r"chosen=resnet8&chosen=ShuffleNetV2", page.url)

    page.reload()
    expect(page.get_by_role("heading", name="resnet8", exact=True)).to_be_visible()
    settled(page)
    assert headings(page) == ["resnet8", "ShuffleNetV2 x0.5"], "the address keeps them"

    page.mouse.click(*where(chart, "resnet8"))
    expect(page.get_by_role("heading", name="resnet8", exact=True)).to_have_count(0)


def test_a_lasso_around_two_models_shows_their_cards(page: Page, server: str) -> None:
    chart = opened(page, f"{server}/compare")
    chart.hover()
    chart.page.get_by_role("button", name=re.compile("lasso", re.IGNORECASE)).first.click()
    settled(page)
    (left, low), (right, high) = where(chart, "resnet8"), where(chart, "hydra_res_d1", "curve")
    corners = (left - 14, low + 14), (left - 14, high - 10), (right + 10, high - 10)
    page.mouse.move(*corners[0])
    page.mouse.down()
    for x, y in (*corners[1:], (right + 10, low + 14), corners[0]):
        page.mouse.move(x, y, steps=5)
    page.mouse.up()
    expect(page.get_by_role("heading", name="resnet8", exact=True)).to_be_visible()
    settled(page)
    assert headings(page) == ["hydra_res_d1", "resnet8"]
    expect(page.get_by_text("What each part costs one image")).to_be_visible()


def test_times_are_measured_on_request_and_can_be_cancelled(page: Page, server: str) -> None:
    opened(page, f"{server}/compare?section=Measure+here")
    page.locator(".st-key-timed_runs input").fill("50")
    page.locator(".st-key-timed_runs input").press("Enter")
    settled(page)
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Start")).to_be_visible()  # what was timed is kept
    page.locator(".st-key-timed_runs input").fill("5")
    page.locator(".st-key-timed_runs input").press("Enter")
    settled(page)
    page.get_by_role("button", name="Start").click()
    settled(page)
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    expect(page.get_by_text("Milliseconds an image, measured here")).to_be_visible()
