"""axe-core finds no serious or critical violation: every page and section, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from app.views.compare import keys
from app.views.inspect.sections import SECTIONS
from app.views.specialise.sections import SECTIONS as DATA_SECTIONS

pytestmark = pytest.mark.browser

PAGES = {"Batch": "/batch"}
PAGES |= {name: f"/?{urlencode({'view': name, 'k': 3})}" for name in SECTIONS}
PAGES |= {
    f"Compare, {name}": "/compare?"
    + urlencode({"section": name, "chosen": ["resnet14", "hydra_res_d1", "ResNet-20"]}, doseq=True)
    for name in keys.SECTIONS
}
PAGES |= {
    f"Specialise, {name}": f"/specialise?{urlencode({'show': name})}" for name in DATA_SECTIONS
}

FAINT_TEXT = """() => {
  const linear = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const parse = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const back = parse(getComputedStyle(document.querySelector('.stApp')).backgroundColor);
  const faint = [];
  for (const text of document.querySelectorAll('.js-plotly-plot text')) {
    const style = getComputedStyle(text);
    if (['rgb(255, 255, 255)', 'rgb(0, 0, 0)'].includes(style.fill)) continue;
    const fill = parse(style.fill), opacity = (fill[3] ?? 1) * style.fillOpacity * style.opacity;
    if (!text.textContent || !opacity) continue;
    const seen = back.slice(0, 3).map((b, i) => opacity * fill[i] + (1 - opacity) * b);
    const [low, high] = [light(seen), light(back)].sort((a, b) => a - b);
    if ((high + 0.05) / (low + 0.05) < 4.5) faint.push(`${text.textContent}: ${style.fill}`);
  }
  return faint;
}"""
"""Texts of charts with a contrast under 4.5 : 1 to the page. Black and white ones lie on a mark
whose colour they were chosen for, see `palette.on`."""

# What is Streamlit's own and cannot be set from here: rule, and a piece of the element's selector.
STREAMLITS: tuple[tuple[str, str], ...] = ()


@pytest.fixture(scope="module", params=["light", "dark"])
def look(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A visitor at 1280×800 who prefers light or dark."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, color_scheme=request.param
    )
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def settled(page: Page) -> None:
    """Wait until everything is drawn."""
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=60_000)
    expect(page.get_by_test_id("stApp")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=60_000
    )
    page.wait_for_timeout(500)


def violations(page: Page) -> list[str]:
    """Serious and critical ones that are not Streamlit's own, one a line with its element."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {node['target']} {node['html'][:200]} "
        f"{node.get('failureSummary', '')[:300]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
        if not any(rule["id"] == own and part in str(node["target"]) for own, part in STREAMLITS)
    ]


@pytest.mark.parametrize("name", list(PAGES))
def test_axe_finds_nothing_serious(look: Page, server: str, name: str) -> None:
    look.goto(server + PAGES[name])
    settled(look)
    assert violations(look) == []
    assert look.evaluate(FAINT_TEXT) == [], "axe does not look into charts"


def test_axe_finds_nothing_serious_in_the_filmstrip(look: Page, server: str, photos: list) -> None:
    look.goto(server)
    settled(look)
    look.locator("input[type=file]").first.set_input_files(photos)
    expect(look.get_by_role("group", name="Images of this session")).to_be_visible()
    settled(look)
    assert violations(look) == []


def test_every_picture_says_what_it_shows(look: Page, server: str) -> None:
    for path in PAGES.values():
        look.goto(server + path)
        settled(look)
        assert look.locator("img:not([alt]), [data-testid=stImage] img[alt='']").count() == 0
        charts = look.get_by_test_id("stPlotlyChart")
        for chart in charts.all():
            named = chart.locator("xpath=descendant-or-self::*[@aria-label or @alt]")
            assert named.count() or chart.get_attribute("aria-label"), chart.inner_html()[:200]
