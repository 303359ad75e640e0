"""Every page shows a HydraNet on a library's classifier, and the classifier itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import app.page_scripts
from app import services
from app.views.inspect.sections import SECTIONS as INSPECT
from app.views.specialise.sections import SECTIONS as SPECIALISE
from app.words.card import architecture_words
from hydranet.checkpoints import find_checkpoint, list_checkpoints
from hydranet.config import HydraBackboneConfig

PAGES = Path(app.page_scripts.__file__).parent
CONFIG = HydraBackboneConfig(
    library="torchvision", backbone="mobilenet_v3_small", split="features.9", num_classes=8,
    num_branches=4, k=2, image_size=64,
)  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, make_checkpoint: Callable[..., Path]) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints")
    make_checkpoint("hydra", folder, model=CONFIG)
    make_checkpoint("static", folder, model=CONFIG.static)
    return folder


@pytest.fixture(autouse=True)
def only_these(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "list_checkpoints", lambda: list_checkpoints(root))


def run(page: str, **address: str) -> AppTest:
    shown = AppTest.from_file(str(PAGES / page), default_timeout=120)
    for key, value in address.items():
        shown.query_params[key] = value
    shown.run()
    assert not shown.exception
    assert not shown.error
    return shown


@pytest.mark.parametrize("view", list(INSPECT))
@pytest.mark.parametrize("network", ["hydra", "static"])
def test_inspect(network: str, view: str) -> None:
    page = run("inspect.py", network=network, view=view)
    assert page.selectbox(key="network").value == network


@pytest.mark.parametrize("part", ["stem", "gate", "branch 3", "combiner"])
def test_every_part_can_be_opened(part: str) -> None:
    page = run("inspect.py", network="hydra", view="Parts")
    page.selectbox(key="part").select(part).run()
    assert not page.exception
    assert not page.error


@pytest.mark.parametrize("show", list(SPECIALISE))
def test_specialise(show: str) -> None:
    run("specialise.py", network="hydra", show=show)


@pytest.mark.parametrize("page", ["compare.py", "batch.py"])
def test_compare_and_batch(page: str) -> None:
    run(page, network="hydra")


def test_what_it_is_made_of_is_said(root: Path) -> None:
    said = architecture_words(find_checkpoint("hydra", root).card)
    assert "the stem of mobilenet_v3_small, then 4 branches" in said
    assert "with 25 % of its channels" in said
