"""A visitor asks which branch fires for a class, clicks a square, and sees those images; and asks
which classes are alike, clicks one on their map, and sees its images."""

from __future__ import annotations

import math
import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

PLACE = """([key, trace, index]) => {
  const plot = document.querySelector(`.st-key-${key} .js-plotly-plot`);
  const {xaxis, yaxis} = plot._fullLayout, point = plot.calcdata[trace][index];
  const box = plot.getBoundingClientRect(), {customdata, hovertext} = plot.data[trace];
  return {data: customdata[index], name: hovertext?.[index],
          x: box.x + xaxis._offset + xaxis.d2p(point.x),
          y: box.y + yaxis._offset + yaxis.d2p(point.y)};
}"""
"""Of a point of a chart: its data, its name, and where it stands in the window."""

FIRST_OWN = ["firing_map", 1, 0]
"""The first square of a class's own branch; those lie on top, as a second trace."""


A_FEW = re.compile(r"Images\s*\d{1,3}\s*[01]\.\d % of all")
"""Of the 100 images of a class, those that fired a branch: not all 10,000."""


def settled(page: Page, chart: str = "firing_map") -> None:
    expect(page.locator(f".st-key-{chart} .main-svg").first).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute(
        "data-test-script-state", "notRunning"
    )  # fmt: skip
    page.wait_for_timeout(1000)


def test_a_click_on_a_square_shows_its_images(page: Page, server: str) -> None:
    page.goto(f"{server}/specialise?network=hydra_res_d1")
    settled(page)
    expect(page.get_by_test_id("stMetric")).to_have_count(0)
    cell = page.evaluate(PLACE, FIRST_OWN)
    branch = cell["data"].split()[1]
    page.mouse.click(cell["x"], cell["y"])

    expect(page.get_by_test_id("stMetric").first).to_contain_text(A_FEW)
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
    cell = page.evaluate(PLACE, FIRST_OWN)
    page.mouse.click(cell["x"], cell["y"] + 1)
    expect(page.get_by_test_id("stMetric").first).to_contain_text(A_FEW)
    expect(page).to_have_url(re.compile(f"label={cell['name']}"))


def farthest_apart(page: Page, count: int) -> list[int]:
    """The classes whose points on the map stand farthest from any other: none hides them."""
    points = [page.evaluate(PLACE, ["class_plane", 0, index]) for index in range(100)]
    places = [(point["x"], point["y"]) for point in points]
    alone = [
        min(math.dist(place, other) for at, other in enumerate(places) if at != index)
        for index, place in enumerate(places)
    ]
    return sorted(range(100), key=lambda index: -alone[index])[:count]


def test_a_click_on_the_map_of_classes_shows_the_images_of_that_class(
    page: Page, server: str
) -> None:
    page.goto(f"{server}/specialise?network=hydra_res_d1&show=Subtasks")
    settled(page, "class_plane")
    expect(page.get_by_test_id("stMetric")).to_have_count(0)
    for index in farthest_apart(page, 2):
        page.locator(".st-key-class_plane").scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        point = page.evaluate(PLACE, ["class_plane", 0, index])
        name = point["data"][1]
        page.mouse.click(point["x"], point["y"])
        expect(page).to_have_url(re.compile(f"label={name}"))
        expect(page.get_by_test_id("stMetric").first).to_contain_text(re.compile(r"Images\s*100"))
        settled(page, "class_plane")
        widths = page.evaluate(
            "() => document.querySelector('.st-key-class_plane .js-plotly-plot')"
            ".data[0].marker.line.width"
        )
        assert [place for place, width in enumerate(widths) if width] == [index]
