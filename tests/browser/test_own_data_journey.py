"""A visitor hands labelled images over, looks at one of them on Inspect, and keeps the log."""

from __future__ import annotations

import re
from pathlib import Path

import hostile_zips as hostile
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

CLASSES = ("apple", "Maple tree", "sea", "wolf")
BROKEN = (7, 8)
ROW, HEADER = 44, 36


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 pictures in four class folders, two of them cut short, and one of no class."""
    entries = [
        (f"{CLASSES[i % 4]}/{i:02}.png", hostile.picture(i, 32)[: 60 if i in BROKEN else None])
        for i in range(40)
    ]
    path = tmp_path_factory.mktemp("zip") / "mine.zip"
    path.write_bytes(hostile.zipped(*entries, ("unicorn/1.png", hostile.picture(50, 32))))
    return path


def test_own_images_are_computed_looked_at_and_kept(
    page: Page, server: str, archive: Path, tmp_path: Path
) -> None:
    page.goto(f"{server}/specialise?network=hydra_res_d1&show=Images")
    expect(page.get_by_text("10,000 test images")).to_be_visible()
    page.get_by_role("button", name="Your own data").click()
    page.locator("[class*=st-key-own_images_] input[type=file]").set_input_files(archive)
    expect(page.get_by_text("38 images of your mine.zip")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("alert").filter(has_text="2 images cannot be read")).to_be_visible()
    expect(page.get_by_text("4 of 5 labels are names of classes of hydra_res_d1")).to_be_visible()
    expect(page.get_by_text("no class of hydra_res_d1: unicorn (1)")).to_be_visible()

    with page.expect_download() as started:
        page.get_by_role("button", name="Keep the route log").click()
    kept = tmp_path / "routes.parquet"
    started.value.save_as(kept)
    log = pq.read_table(kept)
    assert log["index"].to_pylist() == [i for i in range(40) if i not in BROKEN]
    assert len(log["correct_by_k"][0]) == len(log["correct_subtask_first"][0]) == 20

    table = page.get_by_test_id("stDataFrame").first
    table.evaluate("e => e.scrollIntoView({block: 'center'})")
    page.wait_for_timeout(500)
    box = table.bounding_box()
    assert box
    x, y = box["x"] + 150, box["y"] + HEADER + ROW * 2.5  # the third row; the table is a canvas
    page.mouse.move(x, y, steps=4)
    page.wait_for_timeout(300)
    page.mouse.click(x, y, delay=60)
    expect(page).to_have_url(re.compile(r"image=[0-9a-f]{64}"))
    expect(page.get_by_text("mine.zip/sea/02.png")).to_be_visible()

    page.get_by_role("link", name="Specialise").click()
    expect(page.get_by_text("38 images of your mine.zip")).to_be_visible()
    page.get_by_role("button", name="Your own data").click()
    page.locator("[class*=st-key-own_log_] input[type=file]").set_input_files(kept)
    expect(page.get_by_text("38 images of your routes.parquet")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Back to the test images").click()
    expect(page.get_by_text("10,000 test images")).to_be_visible()


def test_cancel_keeps_what_is_done(page: Page, server: str, tmp_path: Path) -> None:
    path = hostile.slow_zip(tmp_path / "slow.zip", images=400, folder="sea/")
    page.goto(f"{server}/specialise?network=hydra_res_d1")
    expect(page.get_by_text("10,000 test images")).to_be_visible()
    page.get_by_role("button", name="Your own data").click()
    page.locator("[class*=st-key-own_images_] input[type=file]").set_input_files(path)
    expect(page.get_by_text(re.compile(r"^[1-9]\d* of 400 images done"))).to_be_visible()
    page.locator(".st-key-own_images_cancel button").click()
    expect(page.get_by_text("images are left")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^\d+ images? of your slow.zip"))).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text(re.compile(r"of 400 images done, about \d+"))).to_be_visible()
