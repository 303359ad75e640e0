"""Take the screenshots of the README and the docs: every page and every section of Inspect and
Specialise, light and dark, wide and narrow.

Needs Chromium. Starts the dashboard itself: `make screenshots`.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from app.serving import CHROMIUM_FLAGS, find_chromium, served
from app.views.inspect.sections import SECTIONS
from app.views.specialise.sections import SECTIONS as DATA_SECTIONS

FOLDER = Path(__file__).parent / "screenshots"
SIZES = {"wide": (1280, 800), "narrow": (400, 800)}
SETTLE_MS = 2500
PATIENCE_MS = 120_000
COLOURS = 128
BELOW_NAVIGATION = "e => { e.style.scrollMarginTop = '80px'; e.scrollIntoView(); }"

# Name of the picture: path, and the text that is scrolled to the top (None: the page's beginning).
SHOTS: dict[str, tuple[str, str | None]] = {
    "inspect": ("/", None),
    "batch": ("/batch", None),
    "compare": ("/compare", None),
}
SHOTS |= {
    f"inspect-{name.lower().replace(' ', '-')}": (f"/?{urlencode({'view': name})}", "Look closer")
    for name in SECTIONS
}
SHOTS |= {
    f"specialise-{name.lower().replace(' ', '-')}": (
        f"/specialise?{urlencode({'show': name})}",
        "Look at",
    )
    for name in DATA_SECTIONS
}


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
                for name, (path, top) in SHOTS.items():
                    page.goto(dashboard.address + path)
                    _settle(page)
                    if top:
                        page.get_by_text(top, exact=True).evaluate(BELOW_NAVIGATION)
                        page.wait_for_timeout(SETTLE_MS)
                    _save(page.screenshot(), FOLDER / f"{name}-{scheme}-{size}.png")
                context.close()
        browser.close()


def _settle(page: Page) -> None:
    """Wait until everything is computed and drawn."""
    page.wait_for_selector(".js-plotly-plot .main-svg", timeout=PATIENCE_MS)
    page.wait_for_selector("[data-test-script-state=notRunning]", timeout=PATIENCE_MS)
    page.wait_for_timeout(SETTLE_MS)


def _save(png: bytes, path: Path) -> None:
    """With few colours: a third of the bytes, and no difference that an eye sees."""
    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGB").quantize(COLOURS).save(path, optimize=True)


if __name__ == "__main__":
    main()
