"""How long a visitor of the dashboard waits, and how much memory the server holds.

`python benchmarks/dashboard.py [STARTS]` prints one JSON object, each figure as median, least and
most, in a real browser at 1280×800. A start that is not counted comes first, so that files are
cached.

- `served_s`: from start until the server answers; `page_s`: until a browser, with nothing cached,
  has loaded the page; `answer_after_s`: from then until the first answer stands on it;
- `answer_ms`: from handing an image to a page to the changed answer, the network loaded;
- `k_ms`, `switch_ms`: from a key on the slider of k, and from a click on the switch of a branch, to
  the changed picture of the network; each change is to a route that was not run before;
- `plain_k_ms`: the same key on a plain page that runs the model anew, `benchmarks/plain_page.py`;
- `answer_mb`, `attributions_mb`: resident memory of the server after the first answer, and after
  all attribution methods.

Needs Chromium. Nothing else should run meanwhile.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from app.intake import SAMPLES
from app.outside.serving import CHROMIUM_FLAGS, Served, find_chromium, served
from hydranet.machine import hardware, versions

SETTLE_MS = 2000
REST_MS = 500
CHANGES = 5
ANSWER = "h4"
PICTURE = ".st-key-network_picture .gtitle"
PLAIN = Path(__file__).with_name("plain_page.py")
METHODS = ("grad-cam", "integrated gradients", "gradient × SmoothGrad", "occlusion")

Found = dict[str, list[float]]


def main() -> None:
    """Measure and print."""
    starts = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    chromium = find_chromium()
    if chromium is None:
        sys.exit("This benchmark needs Chromium, which is not installed.")
    found: Found = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        with served() as dashboard:
            _visit(browser, dashboard).wait_for_selector(ANSWER, timeout=60_000)
        for _ in range(starts):
            _start(browser, found)
        _plain(browser, found)
        browser.close()
    report = {name: _spread(values) for name, values in found.items()}
    print(json.dumps({"machine": hardware(), "versions": versions(), "starts": starts, **report}))


def _start(browser: Browser, found: Found) -> None:
    """One start of the dashboard, and all that is measured on it."""
    start = time.perf_counter()
    with served() as dashboard:
        found.setdefault("served_s", []).append(time.perf_counter() - start)
        page = _visit(browser, dashboard)
        loaded = time.perf_counter()
        found.setdefault("page_s", []).append(loaded - start)
        page.wait_for_selector(ANSWER, timeout=60_000)
        found.setdefault("answer_after_s", []).append(time.perf_counter() - loaded)
        page.wait_for_timeout(SETTLE_MS)
        found.setdefault("answer_mb", []).append(_resident_mb(dashboard.pid))
        for name in ("coffee", "cat", "astronaut"):
            page.goto(dashboard.address)
            page.wait_for_selector(ANSWER)
            page.wait_for_timeout(SETTLE_MS)
            _watch(page, ANSWER)
            began = 1000 * time.time()
            page.locator("input[type=file]").first.set_input_files(SAMPLES / f"{name}.jpg")
            found.setdefault("answer_ms", []).append(_changed_ms(page) - began)
        page.wait_for_timeout(SETTLE_MS)
        for _ in range(CHANGES):
            found.setdefault("k_ms", []).append(_key_ms(page))
        page.get_by_role("button", name="Switchboard").click()
        switches = page.locator(".st-key-off button")
        for branch in range(CHANGES):
            switches.nth(branch).wait_for()
            page.wait_for_timeout(REST_MS)
            _watch(page, ".st-key-network_picture")
            switches.nth(branch).click()
            found.setdefault("switch_ms", []).append(_since_input_ms(page))
        for method in METHODS:
            page.goto(f"{dashboard.address}/?view=Why&method={method}")
            page.get_by_text("Which pixels", exact=False).first.wait_for(timeout=120_000)
        found.setdefault("attributions_mb", []).append(_resident_mb(dashboard.pid))
        page.close()


def _plain(browser: Browser, found: Found) -> None:
    with served(app=PLAIN) as plain:
        page = _visit(browser, plain)
        page.wait_for_selector(ANSWER, timeout=60_000)
        page.wait_for_timeout(SETTLE_MS)
        for _ in range(2 * CHANGES):
            found.setdefault("plain_k_ms", []).append(_key_ms(page))
        page.close()


def _visit(browser: Browser, dashboard: Served) -> Page:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(dashboard.address)
    return page


def _key_ms(page: Page) -> float:
    """From a key on the slider of k to the changed title of the picture."""
    page.wait_for_timeout(REST_MS)
    _watch(page, PICTURE)
    page.get_by_role("slider").first.press("ArrowRight")
    return _since_input_ms(page)


def _watch(page: Page, selector: str) -> None:
    """Note when a key or the mouse goes down, and when what is selected reads otherwise."""
    page.evaluate(
        """selector => {
            const read = () => document.querySelector(selector)?.textContent;
            const before = read();
            window.input = new Promise(done => {
                for (const kind of ['keydown', 'mousedown'])
                    window.addEventListener(kind, () => done(Date.now()),
                                            {capture: true, once: true});
            });
            window.changed = new Promise(done => {
                new MutationObserver((_, watch) => {
                    if (read() && read() !== before) { watch.disconnect(); done(Date.now()); }
                }).observe(document.body, {subtree: true, childList: true, characterData: true});
            });
        }""",
        selector,
    )


def _changed_ms(page: Page) -> float:
    """When it changed, in milliseconds since 1970."""
    return float(page.evaluate("() => window.changed"))


def _since_input_ms(page: Page) -> float:
    return float(page.evaluate("async () => await window.changed - await window.input"))


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
