"""Every page with classes of somebody's own: two of them, or a thousand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import app.page_scripts
from app import services
from app.views.inspect.sections import SECTIONS as INSPECT
from app.views.specialise.sections import SECTIONS as SPECIALISE
from app.words.classes import readable_names
from hydranet.checkpoints import list_checkpoints

PAGES = Path(app.page_scripts.__file__).parent
MESSAGE_BYTES = 500_000
NAMES = {2: ("Große_Katze", "chien & <loup>"), 1000: tuple(f"own {i}" for i in range(1000))}
WORDS = {2: ("Katze", "chien"), 1000: ("own 0", "own 1")}
BRANCHES = {2: (2, 1), 1000: (50, 4)}


@pytest.fixture(params=NAMES)
def classes(
    request: pytest.FixtureRequest, tmp_path: Path, make_checkpoint: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[int]:  # fmt: skip
    """How many classes; a HydraNet and its static network of them are the only checkpoints."""
    count = request.param
    branches, k = BRANCHES[count]
    shape: dict[str, Any] = {"num_classes": count, "image_size": 16, "widths": (4, 4, 8)}
    own = {"class_names": NAMES[count]}
    make_checkpoint("static", tmp_path, model="resnet8", shape=shape, **own)
    shape |= {"num_branches": branches, "k": k}
    make_checkpoint("own", tmp_path, shape=shape, **own)
    monkeypatch.setattr(services, "list_checkpoints", lambda: list_checkpoints(tmp_path))
    return count


def run(page: str, **address: str) -> AppTest:
    shown = AppTest.from_file(str(PAGES / page), default_timeout=120)
    for key, value in address.items():
        shown.query_params[key] = value
    shown.run()
    assert not shown.exception
    assert not shown.error
    for chart in shown.get("plotly_chart"):
        assert len(chart.proto.spec) < MESSAGE_BYTES, chart.proto.id
    return shown


def everything(page: AppTest) -> str:
    """All that a page says: words, choices, tables and charts."""
    words = [e.value for e in [*page.markdown, *page.caption, *page.info]]
    options = [o for box in [*page.selectbox, *page.multiselect] for o in box.options]
    tables = [str(frame.value.to_dict()) for frame in page.dataframe]
    charts = [chart.proto.spec for chart in page.get("plotly_chart")]
    return "\n".join([*words, *map(str, options), *tables, *charts])


@pytest.mark.parametrize("view", list(INSPECT))
def test_inspect(classes: int, view: str) -> None:
    run("inspect.py", network="own", view=view)


def test_inspect_answers_with_own_names(classes: int) -> None:
    said = everything(run("inspect.py", network="own"))
    assert any(word in said for word in WORDS[classes])
    assert "apple" not in said


@pytest.mark.parametrize("show", list(SPECIALISE))
def test_specialise(classes: int, show: str) -> None:
    run("specialise.py", network="own", show=show)


def test_specialise_speaks_of_own_names(classes: int) -> None:
    said = everything(run("specialise.py", network="own", show="Subtasks"))
    assert any(word in said for word in WORDS[classes])


@pytest.mark.parametrize("page", ["compare.py", "batch.py"])
def test_compare_and_batch(classes: int, page: str) -> None:
    run(page, network="own")


def test_names_are_read_alike_on_all_pages() -> None:
    assert readable_names(("maple_tree", "wolf")) == ("maple tree", "wolf")
    alike = ("a_b", "a b")
    assert readable_names(alike) == alike, "two classes must not have one name"
