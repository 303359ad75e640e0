"""A visitor with many images: upload a ZIP, look at the table, click a row, take the figures."""

from __future__ import annotations

import re
from pathlib import Path

import hostile_zips as hostile
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

BROKEN = (10, 20, 30)
ROW = 44
HEADER = 36


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 pictures of which three are cut short."""
    pictures = [hostile.picture(i, 32) for i in range(200)]
    entries = (
        (f"{i:03}.png", content[:60] if i in BROKEN else content)
        for i, content in enumerate(pictures)
    )
    path = tmp_path_factory.mktemp("zip") / "photos.zip"
    path.write_bytes(hostile.zipped(*entries))
    return path


def _click_row(page: Page, row: int) -> None:
    """The table is a canvas: a row is a place on it, and it listens to the pointer's moves."""
    table = page.get_by_test_id("stDataFrame").first
    table.evaluate("e => e.scrollIntoView({block: 'center'})")
    page.wait_for_timeout(500)
    box = table.bounding_box()
    assert box
    x, y = box["x"] + 200, box["y"] + HEADER + ROW * (row + 0.5)
    page.mouse.move(x, y, steps=4)
    page.wait_for_timeout(300)
    page.mouse.click(x, y, delay=60)


def test_a_zip_becomes_rows_reasons_and_a_parquet_file(
    page: Page, server: str, archive: Path, tmp_path: Path
) -> None:
    page.goto(f"{server}/batch?k=3")
    expect(page.get_by_text("5 images through")).to_be_visible()
    page.locator("input[type=file]").set_input_files(archive)
    expect(page.get_by_text("197 images through hydra_res_d1")).to_be_visible()
    alert = page.get_by_role("alert").filter(has_text="3 images cannot be read")
    for broken in BROKEN:
        expect(alert).to_contain_text(f"photos.zip/{broken:03}.png: It must be a whole PNG")
    expect(page.get_by_text("197 of 197 images")).to_be_visible()

    with page.expect_download() as started:
        page.get_by_role("button", name="Download as Parquet").click()
    path = tmp_path / "routes.parquet"
    started.value.save_as(path)
    table = pq.read_table(path)
    assert table.num_rows == 200
    reasons = table["reason"].to_pylist()
    assert [i for i, reason in enumerate(reasons) if reason] == list(BROKEN)
    assert {len(fired) for fired in table["fired"].to_pylist() if fired} == {3}

    _click_row(page, 4)
    expect(page).to_have_url(re.compile(r"image=[0-9a-f]{64}"))
    expect(page.get_by_text("photos.zip/004.png")).to_be_visible()
    fired = table["fired"][4].as_py()
    said = f"Branches {fired[0]}, {fired[1]} and {fired[2]} of 20 fired"
    expect(page.locator(".gtitle").first).to_have_text(said)

    page.get_by_role("link", name="Batch").click()
    expect(page.get_by_text("197 images through hydra_res_d1")).to_be_visible()


def test_cancel_keeps_what_is_done(page: Page, server: str, tmp_path: Path) -> None:
    path = hostile.slow_zip(tmp_path / "slow.zip", images=96)
    page.goto(f"{server}/batch")
    expect(page.get_by_text("5 images through")).to_be_visible()
    page.locator("input[type=file]").set_input_files(path)
    page.locator(".st-key-batch_cancel button").click()  # the uploader has a Cancel of its own
    expect(page.get_by_text("images are left")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^\d+ images? through"))).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("96 images through")).to_be_visible()
