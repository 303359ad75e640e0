"""The section How firm on tiny checkpoints: every dial, static and multi-head, switches."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import services
from hydranet.checkpoints import list_checkpoints
from hydranet.explain.dials import DIALS

PAGE = Path(__file__).parents[2] / "app" / "page_scripts" / "inspect.py"
Open = Callable[..., AppTest]


@pytest.fixture
def open_firmness(
    tmp_path: Path, make_checkpoint, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Open]:
    """Open the section on a tiny network of the registered name `model`."""
    monkeypatch.setattr(services, "list_checkpoints", lambda: list_checkpoints(tmp_path))

    def open_(model: str = "hydra_res_d1", **address: str) -> AppTest:
        make_checkpoint("tiny", tmp_path, model=model)
        services.checkpoints.clear()
        page = AppTest.from_file(str(PAGE), default_timeout=60)
        for name, value in {"view": "How firm", **address}.items():
            page.query_params[name] = value
        return page.run()

    yield open_
    services.checkpoints.clear()


def strip(page: AppTest) -> dict:
    """The chart of the strip."""
    specs = [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]
    (found,) = (spec for spec in specs if any(t.get("name") == "pictures" for t in spec["data"]))
    return found


def names(page: AppTest) -> set[str]:
    return {trace["name"] for trace in strip(page)["data"]}


def said(page: AppTest) -> str:
    return " ".join(text.value for text in page.markdown)


@pytest.mark.parametrize("dial", [dial.name for dial in DIALS])
def test_every_dial_over_its_whole_range(open_firmness: Open, dial: str) -> None:
    page = open_firmness(dial=dial)
    assert not page.exception
    assert not page.error
    assert page.selectbox(key="dial").value == dial
    assert names(page) == {"pictures", "route free", "route held", "answer", "fired"}
    (settings,) = (d.settings for d in DIALS if d.name == dial)
    assert len(strip(page)["layout"]["images"]) == len(settings)
    assert "over the whole range" in said(page) or "first" in said(page)
    assert "because the pixels" in said(page)


def test_a_static_network_shows_answers_only(open_firmness: Open) -> None:
    page = open_firmness("resnet8")
    assert not page.exception
    assert names(page) == {"pictures", "route free", "answer"}
    assert any("no route that could change" in text.value for text in page.caption)


def test_heads_without_a_gate_never_change_their_route(open_firmness: Open) -> None:
    page = open_firmness("multihead_resnet")
    assert not page.exception
    assert "The same branches fire over the whole range" in said(page).replace("\\", "")


def test_k_is_that_of_the_page(open_firmness: Open) -> None:
    page = open_firmness(k="1")
    (fired,) = (t for t in strip(page)["data"] if t.get("name") == "fired")
    assert len(fired["x"]) == len(DIALS[0].settings)


def test_switches_are_said_to_be_set_aside(open_firmness: Open) -> None:
    page = open_firmness(on="3")
    assert any("switches of single branches" in text.value for text in page.caption)
