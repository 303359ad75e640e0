"""Take the screenshots of the README and the docs: every page, light and dark, wide and narrow.

Needs Chromium. Starts the dashboard itself: `make screenshots`.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parent.parent
FOLDER = Path(__file__).parent / "screenshots"
PAGES = {"inspect": "/", "compare": "/compare"}
SIZES = {"wide": (1280, 800), "narrow": (400, 800)}
SETTLE_S = 2.0


def main() -> None:
    """Serve, visit every page in every look, and save what is seen as PNG."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("Screenshots need Chromium, which is not installed. Install it and try again.")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app", "--server.port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    FOLDER.mkdir(exist_ok=True)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
            )
            for scheme in ("light", "dark"):
                for size, (width, height) in SIZES.items():
                    context = browser.new_context(
                        viewport={"width": width, "height": height}, color_scheme=scheme
                    )
                    page = context.new_page()
                    for name, path in PAGES.items():
                        _visit(page, f"http://127.0.0.1:{port}{path}")
                        page.screenshot(path=FOLDER / f"{name}-{scheme}-{size}.png")
                    context.close()
            browser.close()
    finally:
        server.terminate()
        server.wait(timeout=20)


def _visit(page: Page, address: str) -> None:
    """Open a page and wait until its first chart is drawn; the server may still be starting."""
    deadline = time.monotonic() + 60
    while True:
        try:
            page.goto(address)
            break
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
    page.wait_for_selector(".js-plotly-plot .main-svg", timeout=60_000)
    page.wait_for_timeout(1000 * SETTLE_S)


if __name__ == "__main__":
    main()
