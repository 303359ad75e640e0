"""How long a visitor of the dashboard waits, and how much memory the server holds.

`python benchmarks/dashboard.py [RUNS]` prints one JSON object: seconds from start to a served page,
milliseconds from handing over an image to its answer on the page (in a real browser, the network
loaded), and the server's resident memory in MB after that; median, least and most of RUNS starts.
Needs Chromium. Nothing else should run on the machine meanwhile.
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


def main() -> None:
    """Measure and print."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    chromium = find_chromium()
    if chromium is None:
        sys.exit("This benchmark needs Chromium, which is not installed.")
    found: dict[str, list[float]] = {"start_s": [], "answer_ms": [], "memory_mb": []}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        for _ in range(runs):
            start = time.perf_counter()
            with served() as dashboard:
                found["start_s"].append(time.perf_counter() - start)
                page = browser.new_page(viewport={"width": 1280, "height": 800})
                page.goto(dashboard.address)
                page.wait_for_selector("h4", timeout=60_000)
                page.wait_for_timeout(1000)
                for name in ("coffee", "cat", "astronaut"):
                    found["answer_ms"].append(_answer_ms(page, SAMPLES / f"{name}.jpg"))
                found["memory_mb"].append(_resident_mb(dashboard.pid))
                page.close()
        browser.close()
    report = {name: _spread(values) for name, values in found.items()}
    print(json.dumps({"machine": hardware(), "versions": versions(), "starts": runs, **report}))


def _answer_ms(page: Page, image: Path) -> float:
    """From handing an image file to the page to its answer there."""
    before = page.inner_text("h4")
    start = time.perf_counter()
    page.locator("input[type=file]").set_input_files(image)
    page.wait_for_function(
        "before => document.querySelector('h4')?.innerText !== before", arg=before, polling=5
    )
    milliseconds = 1000 * (time.perf_counter() - start)
    page.wait_for_timeout(1000)
    return milliseconds


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
