"""The pages show a network whose branches are heads: dynamic, with no gate and no subtasks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import app.page_scripts
from app import services
from hydranet.checkpoints import list_checkpoints
from hydranet.checkpoints.card import DataNote

PAGES = Path(app.page_scripts.__file__).parent
SHAPES = {
    "multihead_resnet": {"widths": (2, 2, 2)},
    "multihead_densenet": {"growth": 2, "channels": 3},
}
CIFAR = DataNote(
    name="cifar100", train_images=80, validation_images=16, test_images=24,
    train_sha256="0" * 64, test_sha256="1" * 64,
)  # fmt: skip


@pytest.fixture(params=SHAPES)
def model(
    request: pytest.FixtureRequest, tmp_path: Path, make_checkpoint: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:  # fmt: skip
    """A registered multi-head network; a tiny checkpoint of it is the only one there is."""
    shape = {"num_classes": 100, "image_size": 8, **SHAPES[request.param]}
    make_checkpoint("heads", tmp_path, model=request.param, shape=shape, data=CIFAR)
    monkeypatch.setattr(services, "list_checkpoints", lambda: list_checkpoints(tmp_path))
    return request.param


def run(page: str) -> AppTest:
    shown = AppTest.from_file(str(PAGES / page), default_timeout=60).run()
    assert not shown.exception
    assert not shown.error
    return shown


def picture(page: AppTest) -> dict:
    return json.loads(page.get("plotly_chart")[0].proto.spec)


def macs(page: AppTest) -> float:
    """Of the route, in millions."""
    (table,) = (m.value for m in page.markdown if "this route" in m.value)
    return float(table.split("**this route**")[1].split("**")[1].removesuffix("\u00a0M"))


def words(page: AppTest) -> str:
    return "\n".join(e.value for e in [*page.markdown, *page.caption, *page.info])


@pytest.mark.usefixtures("model")
def test_inspect_shows_heads_and_no_gate() -> None:
    page = run("inspect.py")
    assert picture(page)["layout"]["title"]["text"] == "All 4 heads fired"
    assert "No gate chooses" in words(page)
    (squares,) = (trace for trace in picture(page)["data"] if trace.get("name") == "branches")
    hovers = squares["hovertext"]
    assert sum("no subtask" in text for text in hovers) == 4
    parts = [part for trace in picture(page)["data"] for part in trace.get("customdata", [])]
    assert {"stem", "combiner"} <= set(parts)
    assert "gate" not in parts
    assert not any("Subtask:" in text for text in hovers)


@pytest.mark.usefixtures("model")
def test_fewer_heads_are_the_first_ones() -> None:
    page = run("inspect.py")
    cost = macs(page)
    page.slider[0].set_value(2).run()
    assert not page.exception
    assert picture(page)["layout"]["title"]["text"] == "Heads 0 and 1 of 4 fired"
    assert macs(page) <= cost


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("part", ["stem", "branch 3", "combiner"])
def test_every_part_can_be_opened(part: str) -> None:
    page = run("inspect.py")
    page.selectbox(key="part").select(part).run()
    assert not page.exception
    assert not page.error
    told = words(page)
    assert ("A head has no subtask" in told) == part.startswith("branch")


def test_compare_lists_it_as_dynamic(model: str) -> None:
    page = run("compare.py")
    table = page.dataframe[0].value
    assert table["Model"][0] == "heads"
    assert table["Family"][0] == model.replace("_", "-")


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("view", ["Parts", "Routes", "Second network"])
def test_every_section_shows_heads(view: str) -> None:
    page = AppTest.from_file(str(PAGES / "inspect.py"), default_timeout=60)
    page.query_params["view"] = view
    page.query_params["off"] = "2"
    page.run()
    assert not page.exception
    assert not page.error
    assert picture(page)["layout"]["title"]["text"] == "Heads 0, 1 and 3 of 4 fired"


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("address", [{"part": "branch 1"}, {"view": "Routes"}, {"threshold": "26"}])
def test_nothing_is_said_of_a_gate_that_is_not_there(address: dict[str, str]) -> None:
    page = AppTest.from_file(str(PAGES / "inspect.py"), default_timeout=60)
    for key, value in address.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    told = words(page).lower().replace("no gate chooses", "")
    labels = [element.label for element in [*page.slider, *page.button_group]]
    assert "gate" not in told
    assert not any("gate" in label or "confidence" in label for label in labels)
    assert len(page.slider) == 1, "k, and no dial for a confidence that nobody has"
    assert picture(page)["layout"]["title"]["text"] == "All 4 heads fired"


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("show", ["Branches", "Gate"])
def test_specialise_calls_them_heads(show: str) -> None:
    page = AppTest.from_file(str(PAGES / "specialise.py"), default_timeout=60)
    page.query_params["show"] = show
    page.run()
    assert not page.exception
    told = words(page)
    assert "Heads of this network have no subtasks" in told
    charts = [json.loads(chart.proto.spec)["layout"] for chart in page.get("plotly_chart")]
    titles = [str(c.get(axis, {}).get("title")) for c in charts for axis in ("xaxis", "yaxis")]
    assert any("head" in title for title in titles)
    assert not any("branch" in title for title in titles)
