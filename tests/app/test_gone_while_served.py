"""A checkpoint that is removed, replaced or damaged while it is served: the others go on, and the
page says so."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import services
from hydranet.checkpoints import WEIGHTS, list_checkpoints

PAGES = Path(__file__).parents[2] / "app" / "page_scripts"


@pytest.fixture
def root(
    tmp_path: Path, make_checkpoint: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> Path:
    make_checkpoint("a", tmp_path)
    make_checkpoint("b", tmp_path, model="resnet8")
    monkeypatch.setattr(services, "list_checkpoints", lambda: list_checkpoints(tmp_path))
    return tmp_path


def opened(name: str) -> AppTest:
    page = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=180).run()
    assert not page.exception
    return page


def look_again(page: AppTest) -> AppTest:
    """As ten seconds later, when the checkpoints are looked up anew."""
    services.checkpoints.clear()
    page.run()
    assert not page.exception
    return page


def warned(page: AppTest) -> str:
    return " ".join(one.value for one in page.warning)


@pytest.mark.parametrize("name", ["inspect", "batch", "compare"])
def test_damaged(root: Path, name: str) -> None:
    page = opened(name)
    path = root / "a" / WEIGHTS
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    look_again(page)
    assert "a is left out" in warned(page)
    assert "SHA" in warned(page)
    if name != "compare":
        assert page.selectbox(key="network").value == "b"
        assert page.selectbox(key="network").options == ["b"]


@pytest.mark.parametrize("name", ["inspect", "batch"])
def test_removed(root: Path, name: str) -> None:
    page = opened(name)
    page.selectbox(key="network").select("b").run()
    shutil.rmtree(root / "b")
    look_again(page)
    assert "The network b is not here" in warned(page)
    assert page.selectbox(key="network").value == "a"
    assert not page.error


def test_all_removed(root: Path) -> None:
    page = opened("inspect")
    for name in ("a", "b"):
        shutil.rmtree(root / name)
    look_again(page)
    assert "no checkpoint" in page.info[0].value


def test_replaced(root: Path, make_checkpoint: Callable[..., Path]) -> None:
    page = opened("inspect")
    before = [chart.proto.spec for chart in page.get("plotly_chart")]
    make_checkpoint("a", root)
    look_again(page)
    assert "left out" not in warned(page)
    assert [chart.proto.spec for chart in page.get("plotly_chart")] != before


def test_removed_before_it_was_looked_up_again(root: Path) -> None:
    """For some seconds the list still names it: a sentence, and the other network goes on."""
    page = opened("inspect")
    shutil.rmtree(root / "b")
    page.selectbox(key="network").select("b").run()
    assert not page.exception
    assert "cannot be read" in page.error[0].value
    page.selectbox(key="network").select("a").run()
    assert not page.error
