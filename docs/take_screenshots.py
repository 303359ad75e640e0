"""Take the screenshots of the README and the docs: every page, light and dark, wide and narrow.

Needs Chromium. Starts the dashboard itself: `make screenshots`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from app.serving import CHROMIUM_FLAGS, find_chromium, served

FOLDER = Path(__file__).parent / "screenshots"
PAGES = {"inspect": "/", "compare": "/compare"}
SIZES = {"wide": (1280, 800), "narrow": (400, 800)}
SETTLE_MS = 2500


def main() -> None:
    """Serve, visit every page in every look, and save what is seen as PNG."""
    chromium = find_chromium()
    if chromium is None:
        sys.exit("Screenshots need Chromium, which is not installed. Install it and try again.")
    FOLDER.mkdir(exist_ok=True)
    with served() as dashboard, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        for scheme in ("light", "dark"):
            for size, (width, height) in SIZES.items():
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme
                )
                page = context.new_page()
                for name, path in PAGES.items():
                    page.goto(dashboard.address + path)
                    page.wait_for_selector(".js-plotly-plot .main-svg", timeout=60_000)
                    page.wait_for_timeout(SETTLE_MS)
                    page.screenshot(path=FOLDER / f"{name}-{scheme}-{size}.png")
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
