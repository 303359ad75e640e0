"""How long a visitor of the dashboard waits, and how much memory the server holds.

`python benchmarks/dashboard.py [STARTS]` prints one JSON object, each figure as median, least and
most: seconds from start to a served page and to the first answer on it; milliseconds from handing
an image to a page to the changed answer there, in a real browser, the network loaded, each image on
a fresh visit; the server's resident memory in MB after that. Needs Chromium. Nothing else should
run meanwhile.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from app.intake import SAMPLES
from app.serving import CHROMIUM_FLAGS, find_chromium, served
from hydranet.machine import hardware, versions

SETTLE_MS = 2000


def main() -> None:
    """Measure and print."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    chromium = find_chromium()
    if chromium is None:
        sys.exit("This benchmark needs Chromium, which is not installed.")
    found: dict[str, list[float]] = {
        "served_s": [],
        "first_answer_s": [],
        "answer_ms": [],
        "memory_mb": [],
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        for _ in range(runs):
            start = time.perf_counter()
            with served() as dashboard:
                found["served_s"].append(time.perf_counter() - start)
                page = browser.new_page(viewport={"width": 1280, "height": 800})
                page.goto(dashboard.address)
                page.wait_for_selector("h4", timeout=60_000)
                found["first_answer_s"].append(time.perf_counter() - start)
                for name in ("coffee", "cat", "astronaut"):
                    page.goto(dashboard.address)
                    page.wait_for_selector("h4")
                    page.wait_for_timeout(SETTLE_MS)
                    found["answer_ms"].append(_answer_ms(page, SAMPLES / f"{name}.jpg"))
                found["memory_mb"].append(_resident_mb(dashboard.pid))
                page.close()
        browser.close()
    report = {name: _spread(values) for name, values in found.items()}
    print(json.dumps({"machine": hardware(), "versions": versions(), "starts": runs, **report}))


def _answer_ms(page: Page, image: Path) -> float:
    """From handing an image file to the page until its answer, the page's only h4, has changed."""
    page.evaluate(
        """() => {
            const answer = () => document.querySelector('h4')?.innerText;
            const before = answer();
            window.changed = new Promise(done => {
                new MutationObserver((_, watch) => {
                    if (answer() && answer() !== before) { watch.disconnect(); done(Date.now()); }
                }).observe(document.body, {subtree: true, childList: true, characterData: true});
            });
        }"""
    )
    start = 1000 * time.time()
    page.locator("input[type=file]").set_input_files(image)
    return float(page.evaluate("() => window.changed")) - start


def _resident_mb(pid: int) -> float:
    """Resident memory of a process (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    raise RuntimeError("This system does not tell a process's resident memory.")


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 2),
        "min": round(min(values), 2),
        "max": round(max(values), 2),
        "n": len(values),
    }


if __name__ == "__main__":
    main()
