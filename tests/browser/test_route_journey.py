"""A route made by clicking: open a branch in the picture, switch it off, hand the address on."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = pytest.mark.browser

PICTURE = ".st-key-network_picture"


def title(page: Page, text: str | re.Pattern[str]) -> Locator:
    """The picture's, once it reads so: for a moment the old picture stands beside the new one."""
    return page.locator(f"{PICTURE} .gtitle", has_text=text)


def fired(page: Page) -> list[int]:
    """The branches that the picture's title names, once the old one is gone."""
    expect(page.locator(f"{PICTURE} .gtitle")).to_have_count(1)
    words = page.locator(f"{PICTURE} .gtitle").text_content() or ""
    return [int(number) for number in re.findall(r"\d+", words.split(" of ")[0])]


def click_branch(page: Page, branch: int) -> None:
    """A branch's square in the picture; branches are the points of the trace of squares."""
    click_middle(page, page.locator(f"{PICTURE} .scatterlayer .points path").nth(branch))


def click_middle(page: Page, mark: Locator) -> None:
    """Where a visitor would: Plotly's marks take no clicks themselves."""
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.click(x, y)


def opacities(page: Page) -> set[str]:
    """Of all marks and texts of the picture, once the old one is gone."""
    expect(page.locator(f"{PICTURE} .cartesianlayer")).to_have_count(1)
    return set(
        page.locator(f"{PICTURE} .cartesianlayer").evaluate(
            "plot => [...plot.querySelectorAll('path, text')].map("
            "e => `${getComputedStyle(e).opacity} ${getComputedStyle(e).fillOpacity}`)"
        )
    )


def test_a_clicked_branch_is_switched_off_and_the_address_leads_to_that_route(
    page: Page, server: str, browser: Browser
) -> None:
    page.goto(f"{server}/?sample=cat")
    expect(title(page, "fired")).to_be_visible()
    at_first = fired(page)
    best = at_first[0]
    looked = opacities(page)

    click_branch(page, best)
    expect(page).to_have_url(re.compile(rf"part=branch(\+|%20){best}\b"))
    decides = "Who decides about this branch"
    expect(page.get_by_text(decides)).to_be_visible()
    assert opacities(page) == looked, "selecting a part fades nothing"

    page.get_by_role("radio", name="never runs").click()
    expect(page).to_have_url(re.compile(rf"off={best}\b"))
    rest = ", ".join(map(str, at_first[1:]))
    expect(title(page, re.compile(rf"^Branches {rest} and \d+ of 20 fired$"))).to_be_visible()
    expect(page.locator(f"{PICTURE} .gtitle")).to_have_count(1)
    switched = page.locator(f"{PICTURE} .gtitle").text_content() or ""

    visitor = browser.new_context(viewport={"width": 1280, "height": 800})
    other = visitor.new_page()
    other.goto(page.url)
    expect(title(other, switched)).to_be_visible()
    expect(other.get_by_text(decides)).to_be_visible()
    visitor.close()


def test_a_click_on_a_tried_route_runs_it(page: Page, server: str) -> None:
    page.goto(f"{server}/?view=Routes&sample=cat&threshold=10&on=3")
    points = page.locator(".st-key-subsets .scatterlayer .trace").first.locator("path.point")
    expect(points.nth(0)).to_be_attached()
    click_middle(page, points.nth(1))
    expect(title(page, re.compile(r"^Branch \d+ of 20 fired$"))).to_be_visible()
    assert "on=" not in page.url


@pytest.mark.parametrize("look", ["light", "dark"])
def test_image_network_answer_and_cost_need_no_scrolling(
    browser: Browser, server: str, look: str
) -> None:
    visitor = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme=look)
    page = visitor.new_page()
    page.goto(server)
    expect(title(page, "fired")).to_be_visible()
    for part in (
        page.get_by_text("as the network sees it"),
        page.locator(PICTURE),
        page.locator("h4"),
        page.locator(".st-key-cost_table"),
    ):
        box = part.first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 800
    visitor.close()
