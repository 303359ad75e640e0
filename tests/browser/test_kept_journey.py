"""Two images, a branch switched off by a click on the picture, the address and the report taken
along: the same is seen elsewhere once the image is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = pytest.mark.browser

_REST_MS = 400


@pytest.fixture
def elsewhere(browser: Browser) -> Iterator[Page]:
    """Another visitor."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="dark")
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def title(page: Page) -> Locator:
    """Of the network picture; it names the fired branches."""
    return page.locator(".gtitle").first


def text(part: Locator) -> str:
    return part.text_content() or ""


def answer(page: Page) -> str:
    return page.locator("h4").first.inner_text()


def fired(page: Page) -> list[int]:
    return [int(n) for n in re.findall(r"\d+", text(title(page)).split(" of ")[0])]


def upload(page: Page, *files: Path) -> None:
    page.locator("input[type=file]").first.set_input_files(files)


def settled(page: Page) -> None:
    """Wait until the page has run to its end and rests: handing over files runs it twice."""
    app = page.get_by_test_id("stApp")
    for _ in range(3):
        expect(app).to_have_attribute("data-test-script-state", "notRunning")
        page.wait_for_timeout(_REST_MS)
    expect(app).to_have_attribute("data-test-script-state", "notRunning")


def counted(page: Page, place: str) -> None:
    """The filmstrip says where one stands, and the page has settled there."""
    expect(page.get_by_text(place)).to_be_visible()
    settled(page)


def click_branch(page: Page, branch: int) -> None:
    """The square in the picture, where its number stands."""
    number = page.locator(".js-plotly-plot").first.locator(f".textpoint text >> text='{branch}'")
    box = number.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def with_photos(page: Page, server: str, photos: list[Path]) -> None:
    """Open Inspect and hand the photos over; the first of them is looked at."""
    page.goto(server)
    expect(title(page)).to_contain_text("fired")
    upload(page, *photos)
    counted(page, "2 of 3: coffee.jpg")


def test_what_is_found_can_be_taken_elsewhere(
    page: Page, elsewhere: Page, server: str, photos: list[Path], tmp_path: Path
) -> None:
    page.goto(server)
    expect(title(page)).to_contain_text("fired")
    sample = text(title(page))
    upload(page, *photos)
    counted(page, "2 of 3: coffee.jpg")
    expect(title(page)).not_to_have_text(sample)
    first = text(title(page))
    page.keyboard.press("ArrowRight")
    counted(page, "3 of 3: cat.jpg")
    expect(title(page)).not_to_have_text(first)
    page.keyboard.press("ArrowLeft")
    counted(page, "2 of 3: coffee.jpg")
    expect(title(page)).to_have_text(first)

    switched = fired(page)[0]
    before = answer(page)
    click_branch(page, switched)
    expect(page.get_by_role("combobox", name="Part")).to_have_value(f"branch {switched}")
    settled(page)
    page.get_by_role("radio", name="never runs").click(force=True)
    expect(title(page)).not_to_have_text(first)
    settled(page)
    assert switched not in fired(page)
    expect(page.locator("h4").first).not_to_have_text(before)

    page.get_by_role("radio", name="Keep").click(force=True)
    expect(page.get_by_text("The address of what you see")).to_be_visible()
    address = page.get_by_test_id("stCode").inner_text().strip().replace("\n", "")
    assert urlsplit(address).query == urlsplit(page.url).query
    assert parse_qs(urlsplit(address).query)["off"] == [str(switched)]

    elsewhere.goto(address)
    expect(elsewhere.get_by_text("an image that is not here")).to_be_visible()
    upload(elsewhere, photos[0])
    expect(title(elsewhere)).to_have_text(text(title(page)))
    expect(elsewhere.locator("h4").first).to_have_text(answer(page))
    expect(elsewhere.get_by_text("The address of what you see")).to_be_visible()

    found = _download(elsewhere, "Figures as JSON", tmp_path / "figures.json")
    figures = json.loads(found.read_text())
    assert figures["fired"] == fired(page)
    assert figures["settings"]["off"] == [switched]
    report = _download(elsewhere, "Report", tmp_path / "report.html")
    _read(elsewhere, report, answer(page), figures["image"]["sha256"])


def _download(page: Page, label: str, path: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=label, exact=False).click()
    download.value.save_as(path)
    return path


def _read(page: Page, report: Path, expected: str, image_sha256: str) -> None:
    """The report opens without errors, fetches nothing, and says the same."""
    errors, fetched = [], []
    page = page.context.new_page()
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(report.as_uri())
    expect(page.get_by_role("heading", level=1)).to_have_text(expected)
    expect(page.get_by_text(image_sha256, exact=True)).to_be_visible()
    expect(page.get_by_role("img")).to_have_count(3)
    assert errors == []
    assert [url for url in fetched if not url.startswith("data:")] == [report.as_uri()]


def test_an_arrow_in_a_slider_or_a_list_does_not_step(
    page: Page, server: str, photos: list[Path]
) -> None:
    with_photos(page, server, photos)
    page.get_by_role("slider").first.press("ArrowRight")
    expect(page).to_have_url(re.compile("k=5"))
    counted(page, "2 of 3: coffee.jpg")
    page.get_by_role("combobox", name="Network").press("ArrowRight")
    page.get_by_role("radio", name="Keep").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(1000)
    counted(page, "2 of 3: coffee.jpg")


def test_a_click_in_the_filmstrip_goes_there(page: Page, server: str, photos: list[Path]) -> None:
    with_photos(page, server, photos)
    page.get_by_role("button", name="cat.jpg").click()
    counted(page, "3 of 3: cat.jpg")
    page.go_back()
    counted(page, "2 of 3: coffee.jpg")


def test_an_image_can_be_pasted(page: Page, server: str) -> None:
    page.goto(server)
    expect(title(page)).to_contain_text("fired")
    expect(page.get_by_test_id("stApp")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=60_000
    )
    page.wait_for_timeout(500)  # a field that is drawn anew loses a press
    page.get_by_role("button", name="Paste").click()
    page.get_by_placeholder("Paste an image here").focus()
    page.evaluate(
        """async () => {
            const canvas = Object.assign(document.createElement('canvas'), {width: 40, height: 30});
            canvas.getContext('2d').fillRect(0, 0, 20, 30);
            const blob = await new Promise((done) => canvas.toBlob(done));
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([blob], 'image.png', {type: 'image/png'}));
            document.activeElement.dispatchEvent(
                new ClipboardEvent('paste', {clipboardData, bubbles: true, cancelable: true}));
        }"""
    )
    expect(page.get_by_text("image.png")).to_be_visible()
    expect(page.get_by_role("button", name="Send message")).to_be_enabled()  # it is on the server
    page.get_by_placeholder("Paste an image here").press("Enter")
    counted(page, "2 of 2")


def test_the_first_screen_holds_image_network_answer_and_cost(
    page: Page, server: str, photos: list[Path]
) -> None:
    with_photos(page, server, photos)
    for seen in (
        page.get_by_test_id("stImage").nth(0),
        page.get_by_test_id("stImage").nth(1),
        page.locator(".st-key-network_picture .main-svg").first,
        page.locator("h4").first,
        page.locator(".st-key-cost_table"),
    ):
        box = seen.bounding_box()
        assert box
        assert box["y"] + box["height"] <= 800, box
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 1280
