"""One visitor, start to end: open, upload, see fired branches, change k, open Compare."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from app.outside.serving import served

pytestmark = pytest.mark.browser

SAMPLE = Path(__file__).parents[2] / "app" / "samples" / "coffee.jpg"


def _title(page: Page) -> str:
    """The network picture's title, which names the fired branches."""
    return page.locator(".gtitle").first.text_content() or ""


def _fired(title: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", title.split(" of ")[0])]


def test_upload_change_k_and_compare(page: Page, server: str) -> None:
    page.goto(server)
    expect(page.locator(".gtitle").first).to_contain_text("fired")
    on_sample = _title(page)

    page.locator("input[type=file]").set_input_files(SAMPLE)
    expect(page.locator(".gtitle").first).not_to_have_text(on_sample)
    four = _fired(_title(page))
    assert len(four) == 4
    expect(page.get_by_role("row", name="this route 26.4\u00a0M")).to_be_visible()

    slider = page.get_by_role("slider")
    slider.focus()
    for _ in range(3):
        slider.press("ArrowLeft")
    expect(page.locator(".gtitle").first).to_have_text(re.compile(r"^Branch \d+ of 20 fired$"))
    assert _fired(_title(page)) == four[:1], "the best-scored branch stays"
    expect(page.get_by_role("row", name="this route 15.8\u00a0M")).to_be_visible()

    page.get_by_role("link", name="Compare").click()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    expect(page.get_by_text("hydra_res_d1").first).to_be_visible()


def test_a_file_that_is_no_image_gets_a_sentence(page: Page, server: str, tmp_path: Path) -> None:
    page.goto(server)
    expect(page.locator(".gtitle").first).to_contain_text("fired")
    fake = tmp_path / "photo.png"
    fake.write_text("this is no picture")
    page.locator("input[type=file]").set_input_files(fake)
    alert = page.get_by_role("alert").first
    expect(alert).to_contain_text("PNG")
    assert "Traceback" not in page.content()


def test_the_address_of_a_page_leads_there_on_a_fresh_server(page: Page) -> None:
    with served() as dashboard:
        page.goto(f"{dashboard.address}/compare")
        expect(page.locator(".js-plotly-plot").first).to_be_visible()
        expect(page.get_by_role("link", name="Inspect")).to_be_visible()
        expect(page.get_by_role("link", name="streamlit app")).to_have_count(0)


def test_a_network_that_an_address_names_stays_on_every_page(page: Page, server: str) -> None:
    page.goto(f"{server}/?network=hydra_res_d2&k=5&threshold=7")
    network = page.get_by_role("combobox", name="Network", exact=True)
    expect(page.locator(".gtitle").first).to_contain_text("fired")
    expect(network).to_have_value("hydra_res_d2")
    for name, path, dials in (
        ("Specialise", "/specialise", False),
        ("Batch", "/batch", True),
        ("Specialise", "/specialise", False),
        ("Inspect", "/", True),
    ):
        page.get_by_role("link", name=name).click()
        page.wait_for_url(lambda url, path=path: urlsplit(url).path == path)
        expect(network).to_have_value("hydra_res_d2")
        if dials:
            expect(page.get_by_role("slider").first).to_have_value("5")
            expect(page).to_have_url(re.compile("threshold=7"))
