"""The documentation is built without a warning, fetches nothing, and its examples run."""

from __future__ import annotations

import doctest
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hydranet
from app.words.card import epochs_of_all
from hydranet.checkpoints import list_checkpoints

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
WITH_EXAMPLES = (
    "hydranet", "hydranet.checkpoints.card", "hydranet.checkpoints.folders",
    "hydranet.checkpoints.loading", "hydranet.costs.counting", "hydranet.explain.attributions",
    "hydranet.hub", "hydranet.intake.images", "hydranet.models", "hydranet.prediction",
    "hydranet.registry", "hydranet.routing.buckets", "hydranet.routing.routes",
)  # fmt: skip
FLAGS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
# Whatever a browser would fetch on its own when it shows a page; a link to click on is none.
FETCHED = re.compile(
    r"<(?:script|img|source|iframe)\b[^>]*\bsrc=[\"']?(?:https?:)?//"
    r"|<link\b[^>]*\brel=[\"']?(?:stylesheet|preconnect|preload|icon)[^>]*\bhref=[\"']?(?:https?:)?//"
    r"|@import|url\([\"']?(?:https?:)?//"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT, capture_output=True, text=True, timeout=180,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    return folder


def test_every_page_is_built_and_in_the_navigation(site: Path) -> None:
    start = (site / "index.html").read_text()
    navigation = start[start.index('class="md-nav md-nav--primary"') :]
    for page in DOCS.glob("*.md"):
        if page.stem != "index":
            assert (site / page.stem / "index.html").is_file()
            assert f'href="{page.stem}/"' in navigation, f"{page.name} is not in mkdocs.yml"
    assert not list(site.rglob("*.py"))


def test_the_readme_gives_the_figures_on_the_cards() -> None:
    rows = [
        [cell.strip() for cell in line.strip("| ").split("|")]
        for line in (ROOT / "README.md").read_text().splitlines()
        if line.startswith("| `") and "M |" in line.replace("all branches)", "M |")
    ]
    told = {row[0].split("`")[1]: row for row in rows}
    at_hand = {checkpoint.name: checkpoint.card for checkpoint in list_checkpoints()[0]}
    assert told.keys() == at_hand.keys()
    for name, (_, parameters, macs, top1, _, epochs, _) in told.items():
        card = at_hand[name]
        assert parameters == f"{card.costs.parameters:,}", name
        assert macs.startswith(f"{card.costs.routed_macs / 1e6:.2f} M"), name
        assert top1 == f"{card.test.top1:.2f} %", name
        assert epochs == epochs_of_all(card), name


def test_every_screenshot_is_shown_on_a_page() -> None:
    pages = "".join(page.read_text() for page in DOCS.glob("*.md"))
    for picture in (DOCS / "screenshots").iterdir():
        assert f"screenshots/{picture.name}#only-" in pages, picture.name


def test_a_reader_fetches_nothing_from_elsewhere(site: Path) -> None:
    """What a browser would fetch was counted too: no request left the site."""
    for path in site.rglob("*"):
        if path.suffix in (".html", ".css"):
            found = FETCHED.search(path.read_text())
            assert not found, f"{path.relative_to(site)}: {found and found.group()}"


def test_every_public_name_is_on_the_page_of_the_api(site: Path) -> None:
    page = (site / "api" / "index.html").read_text()
    for name in hydranet.__all__:
        if name not in ("explain", "__version__"):  # a package, and no more than a number
            home = getattr(hydranet, name).__module__
            assert f'id="{home}.{name}"' in page, name


@pytest.mark.parametrize(
    "module",
    ["draw_pictures", "draw_performance", "draw_scale", "draw_ablation", "draw_training"],
)
def test_pictures_are_those_that_the_code_draws(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(DOCS))
    drawing = importlib.import_module(module)
    for name, draw in drawing.PICTURES.items():
        text = (DOCS / "pictures" / f"{name}.svg").read_text()
        assert text == draw(), f"python docs/{module}.py draws {name} anew"
        assert "\n\n" not in text, "a blank line ends a block of HTML in Markdown"


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_of_docstrings_run(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = doctest.testmod(importlib.import_module(module), optionflags=FLAGS)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda path: path.stem)
def test_examples_of_pages_run(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prompts with what they print run as one session a page; plain Python must at least parse."""
    monkeypatch.chdir(ROOT)
    text = page.read_text()
    for block in re.findall(r"^```python\n(.*?)^```", text, re.M | re.S):
        compile(block, page.name, "exec")
    session = "\n".join(re.findall(r"^```pycon\n(.*?)^```", text, re.M | re.S))
    examples = doctest.DocTestParser().get_doctest(session, {}, page.stem, page.name, 0)
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    runner.run(examples)
    assert runner.failures == 0
    assert page.name != "python.md" or runner.tries > 10


@pytest.mark.parametrize("module", ["draw_gpu", "draw_scale", "draw_ablation", "draw_training"])
def test_tables_are_those_that_the_code_computes(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(DOCS))
    for name, make in importlib.import_module(module).TABLES.items():
        text = (DOCS / "tables" / f"{name}.inc").read_text()
        assert text == make(), f"python docs/{module}.py writes it anew"
