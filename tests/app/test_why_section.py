"""The section Why on tiny checkpoints: every question by every method, refusals as sentences."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import explanations, services
from app.cores.computing import ADMISSION
from app.cores.kept import Kept
from app.views.inspect import waiting
from app.views.inspect.why_question import ANSWER, MARGIN, SCORE, SHARE
from hydranet.checkpoints import list_checkpoints
from hydranet.explain.methods import METHODS

PAGE = Path(__file__).parents[2] / "app" / "page_scripts" / "inspect.py"
NAMES = [method.name for method in METHODS]
Open = Callable[..., AppTest]


@pytest.fixture
def open_why(tmp_path: Path, make_checkpoint, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Open the section on a tiny network of the registered name `model`."""
    monkeypatch.setattr(explanations, "_KEPT", Kept(64))
    monkeypatch.setattr(services, "list_checkpoints", lambda: list_checkpoints(tmp_path))
    monkeypatch.setattr(waiting, "AT_ONCE_S", 1e9)

    def open_(model: str = "hydra_res_d1", **address: str) -> AppTest:
        make_checkpoint("tiny", tmp_path, model=model)
        services.checkpoints.clear()
        page = AppTest.from_file(str(PAGE), default_timeout=60)
        for name, value in {"view": "Why", **address}.items():
            page.query_params[name] = value
        return page.run()

    yield open_
    services.checkpoints.clear()


def maps(page: AppTest) -> list[dict]:
    """The charts that hold an attribution."""
    specs = [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]
    return [spec for spec in specs if "coloraxis" in spec["layout"]]


def thumbnails(page: AppTest) -> list[str]:
    """The captions of the branches' maps."""
    captions = [image.caption for block in page.get("image") for image in block.proto.imgs]
    return [caption for caption in captions if "adds" in caption]


@pytest.mark.parametrize("method", NAMES)
@pytest.mark.parametrize("why", [ANSWER, SHARE, SCORE, MARGIN])
def test_every_question_by_every_method(open_why: Open, why: str, method: str) -> None:
    page = open_why(why=why, method=method)
    assert not page.exception
    assert not page.error
    assert page.selectbox(key="why").value == why
    assert len(maps(page)) == 1
    axis = maps(page)[0]["layout"]["coloraxis"]
    assert axis["cmin"] == -axis["cmax"]
    assert len(thumbnails(page)) == (2 if why == ANSWER else 0)


@pytest.mark.parametrize("method", NAMES)
def test_a_static_network_is_asked_for_its_answer_only(open_why: Open, method: str) -> None:
    page = open_why("resnet8", method=method, why=SCORE)
    assert not page.exception
    assert page.selectbox(key="why").options == [ANSWER]
    assert len(maps(page)) == 1
    assert not thumbnails(page)


@pytest.mark.parametrize("why", [SCORE, MARGIN])
def test_heads_without_a_gate_get_a_sentence(open_why: Open, why: str) -> None:
    page = open_why("multihead_resnet", why=why)
    assert not page.exception
    assert ["no gate" in error.value for error in page.error] == [True]
    assert not maps(page)
    page.selectbox(key="why").select(ANSWER).run()
    assert not page.exception
    assert not page.error
    assert maps(page)


def test_where_every_branch_fires_no_margin_is_shown(open_why: Open) -> None:
    page = open_why(why=MARGIN, k="4")
    assert not page.exception
    assert ["none was refused" in error.value for error in page.error] == [True]


def test_integrated_gradients_show_what_they_miss(open_why: Open) -> None:
    page = open_why(method="integrated gradients")
    assert any("is missed" in caption.value for caption in page.caption)


def test_a_branch_that_no_longer_fires_gives_way(open_why: Open) -> None:
    page = open_why(why=SHARE)
    shown = page.selectbox(key="of")
    page.selectbox(key="of").select(shown.options[-1]).run()
    page.slider[0].set_value(1).run()
    assert not page.exception
    assert page.selectbox(key="of").value in page.selectbox(key="of").options


def test_long_work_says_how_long_and_waits_to_be_started(
    open_why: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_why()
    monkeypatch.setattr(waiting, "AT_ONCE_S", 0.0)
    page.selectbox(key="method").select("occlusion").run()
    assert not maps(page)
    assert any("This takes about" in text.value for text in page.markdown)
    page.button(key="start_why").click().run()
    assert not page.exception
    assert len(maps(page)) == 1
    page.run()
    assert len(maps(page)) == 1, "what was computed is kept"


def test_a_press_on_cancel_brings_the_start_back_and_frees_the_core(
    open_why: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_why()
    monkeypatch.setattr(waiting, "AT_ONCE_S", 0.0)
    page.selectbox(key="method").select("occlusion").run()
    free = ADMISSION.free
    # As a press on a button does: the script is stopped where it next moves the bar.
    monkeypatch.setattr(waiting, "_move", lambda bar, part, seconds: st.rerun())
    page.button(key="start_why").click().run()
    assert not page.exception
    assert not maps(page)
    assert page.button(key="start_why")
    assert ADMISSION.free == free


def test_methods_that_cannot_work_are_named_and_not_offered(open_why: Open) -> None:
    method = open_why().selectbox(key="method")
    assert method.options == NAMES
    assert "DeepLift" in method.help


def test_class_names_are_shown_as_text(tmp_path: Path, make_checkpoint, open_why: Open) -> None:
    names = tuple(f"**bold {c}** <b>" for c in range(8))
    make_checkpoint("hostile", tmp_path, class_names=names)
    page = open_why(network="hostile")
    assert page.selectbox(key="network").value == "hostile"
    assert not page.exception
    assert not any("**bold" in text.value for text in [*page.markdown, *page.caption])
