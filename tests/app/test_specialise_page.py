"""The page Specialise as a visitor drives it, on networks of every kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from streamlit.testing.v1 import AppTest

import app.page_scripts
from app import datasets, services
from app.views.specialise.sections import SECTIONS
from hydranet.checkpoints import list_checkpoints
from hydranet.errors import InputError
from hydranet.evaluation.route_log import read_route_log

PAGE = Path(app.page_scripts.__file__).with_name("specialise.py")
MESSAGE_BYTES = 500_000
KINDS = {"hydra_a": "hydra_res_d1", "static_b": "resnet8", "heads_c": "multihead_resnet"}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of checkpoints, which the page reads."""
    monkeypatch.setattr(services, "list_checkpoints", lambda: list_checkpoints(tmp_path))
    return tmp_path


@pytest.fixture
def three(root: Path, make_checkpoint: Callable[..., Path]) -> Path:
    """A HydraNet, a static network and one with many heads, tested on the same images."""
    for name, model in KINDS.items():
        make_checkpoint(name, root, model=model)
    return root


def run(**address: str) -> AppTest:
    page = AppTest.from_file(str(PAGE), default_timeout=60)
    for key, value in address.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    return "\n".join(e.value for e in [*page.markdown, *page.caption, *page.info, *page.error])


def chart(page: AppTest, key: str) -> dict:
    charts = [c for c in page.get("plotly_chart") if key in c.proto.id]
    return json.loads(charts[0].proto.spec)


def log_of(root: Path, name: str = "hydra_a"):
    return read_route_log(root / name / "routes.parquet")


@pytest.mark.parametrize("section", list(SECTIONS))
@pytest.mark.parametrize("network", list(KINDS))
def test_every_section_of_every_network(three: Path, network: str, section: str) -> None:
    page = run(network=network, show=section)
    assert "24 test images" in words(page)
    for drawn in page.get("plotly_chart"):
        assert len(drawn.proto.spec) < MESSAGE_BYTES
        assert drawn.proto.alt, "a chart without words for who does not see it"


def test_what_a_network_does_not_have_is_said(three: Path) -> None:
    assert "static network: every image runs all of it" in words(
        run(network="static_b", show="Branches")
    )
    assert "it has no gate" in words(run(network="static_b", show="Gate"))
    assert "no gate chooses among them" in words(run(network="heads_c", show="Gate"))
    assert "its branches have no subtasks" in words(run(network="heads_c", show="Subtasks"))
    assert run(network="static_b").segmented_control(key="show").value == "Answers"


def test_the_summary_and_the_words_are_the_logs(three: Path) -> None:
    log = log_of(three)
    right = 100 * float(np.mean(log.label == log.prediction))
    text = words(run(network="hydra_a"))
    assert f"{right:.2f} % are answered right; 2 of 4 branches fire" in text
    share = np.bincount(log.fired.ravel(), minlength=4) / len(log)
    assert f"Branch {share.argmax()} is the busiest ({100 * share.max():.1f} %" in text
    assert log.correct_subtask_first is not None
    perfect = 100 * log.correct_subtask_first.mean(axis=0)
    text = words(run(network="hydra_a", show="Gate"))
    assert f"would be right for **{perfect[1]:.1f} %** of images at k = 2" in text
    assert f"The right branch alone would be right for {perfect[0]:.1f} %" in text


def test_a_log_from_before_the_ceiling_was_known_has_bounds(three: Path) -> None:
    path = three / "hydra_a" / "routes.parquet"
    table = pq.read_table(path)
    pq.write_table(table.drop_columns(["correct_with_subtask", "correct_subtask_first"]), path)
    (three / "hydra_a" / "class_features.parquet").unlink()
    services.checkpoints.clear()
    assert "This log cannot say more" in words(run(network="hydra_a", show="Gate"))
    text = words(run(network="hydra_a", show="Subtasks"))
    assert "the mean of the gate's scores" in text
    assert "what the output layer sees" not in text


def test_a_click_on_a_class_of_the_map_opens_its_images(three: Path) -> None:
    page = run(network="hydra_a", show="Subtasks")
    points = chart(page, "class_plane")["data"][0]["customdata"]
    assert sorted(int(point[0]) for point in points) == list(range(8))
    assert not page.dataframe
    page = run(network="hydra_a", show="Subtasks", label="class 3")
    assert set(page.dataframe[0].value["Class"]) == {"class 3"}
    widths = chart(page, "class_plane")["data"][0]["marker"]["line"]["width"]
    assert [bool(width) for width in widths] == [c == 3 for c in range(8)]


def test_a_click_on_a_square_opens_its_images(three: Path) -> None:
    log = log_of(three)
    inside = (log.label == 1) & (log.fired == 1).any(axis=1)
    page = run(network="hydra_a")
    assert not page.dataframe
    squares = [t for t in chart(page, "firing_map")["data"] if t.get("customdata")]
    assert sum(len(t["customdata"]) for t in squares) == 8 * 4
    # AppTest gives no event, so the address stands for the click; a browser test clicks.
    page = run(network="hydra_a", label="class 1", branch="1")
    rows = page.dataframe[0].value
    assert rows["Index"].tolist() == np.flatnonzero(inside).tolist()
    assert set(rows["Class"]) <= {"class 1"}
    assert page.metric[0].value == str(inside.sum())


def test_filters_and_figures_follow_and_can_be_cleared(three: Path) -> None:
    log = log_of(three)
    wrong = log.label != log.prediction
    page = run(network="hydra_a", show="Images", answered="wrong")
    assert page.metric[0].value == str(wrong.sum())
    assert page.metric[1].value == "0.0 %"
    assert page.dataframe[0].value["Index"].tolist() == np.flatnonzero(wrong).tolist()
    page.selectbox(key="subtask").set_value(2).run()
    chosen = wrong & (log.label % 4 == 2)
    assert page.metric[0].value == str(chosen.sum())
    page.selectbox(key="answered").set_value("right").run()
    page.selectbox(key="unusual").set_value("same class, different route").run()
    assert not page.exception
    page.button[0].click().run()
    assert page.metric[0].value == str(len(log))


def test_an_empty_slice_says_so(three: Path) -> None:
    page = run(network="hydra_a", show="Images", label="class 0", subtask="1")
    assert "No image fits" in words(page)


def test_a_class_of_another_network_is_let_go(three: Path) -> None:
    page = run(network="hydra_a", show="Images", label="class 99", branch="77")
    assert page.metric[0].value == "24"


def test_two_networks_on_the_same_images(three: Path) -> None:
    ours, theirs = (log_of(three, name) for name in ("hydra_a", "static_b"))
    both = ((ours.label == ours.prediction) & (theirs.label == theirs.prediction)).sum()
    page = run(network="hydra_a", show="Two networks", against="static_b")
    assert f"| **hydra\\_a right** | {both} (" in words(page)
    assert "M MACs" in words(page)
    assert page.selectbox(key="against").options == ["heads_c", "static_b"]


def own_field(page: AppTest, name: str):
    """The field to hand over data of one's own, whose key changes when it has been used."""
    (field,) = [f for f in page.file_uploader if f.key.startswith(name)]
    return field


def test_a_log_of_ones_own(three: Path, tmp_path: Path) -> None:
    content = (three / "hydra_a" / "routes.parquet").read_bytes()
    page = run(network="hydra_a")
    own_field(page, "own_log").set_value(("mi*ne.parquet", content, "")).run()
    assert not page.exception
    assert "24 images** of your mi\\*ne\\.parquet" in words(page)
    page.segmented_control(key="show").set_value("Two networks").run()
    assert "Go back to the test images" in words(page)
    page.segmented_control(key="show").set_value("Images").run()
    assert "A route log holds no images" in words(page).replace("\\", "")

    own_field(page, "own_log").set_value(("text.parquet", b"no Parquet", "")).run()
    assert not page.exception
    assert "cannot be read" in page.error[0].value
    assert str(tmp_path) not in page.error[0].value

    page.selectbox(key="network").set_value("static_b").run()
    own_field(page, "own_log").set_value(("mine.parquet", content, "")).run()
    assert not page.exception
    page.button(key="forget_own_data").click().run()
    assert "24 test images" in words(page)


def test_too_large_a_log_is_refused_with_a_sentence(
    three: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (three / "hydra_a" / "routes.parquet").read_bytes()
    page = run(network="hydra_a")
    monkeypatch.setattr(datasets, "MOST_ROWS", 23)
    own_field(page, "own_log").set_value(("mine.parquet", content, "")).run()
    assert "holds 24 images; at most 23" in page.error[0].value
    monkeypatch.setattr(datasets, "MOST_BYTES", 100)
    (checkpoint, *_), _ = services.checkpoints()
    with pytest.raises(InputError, match="MiB; at most"):
        datasets.of_upload(checkpoint, "mine.parquet", content, private="private")


def test_without_checkpoints(root: Path) -> None:
    assert "no checkpoint to show yet" in words(run())


def test_a_route_log_that_does_not_fit_is_a_sentence(three: Path) -> None:
    path = three / "hydra_a" / "routes.parquet"
    table = pq.read_table(path)
    label = table.column_names.index("label")
    pq.write_table(table.set_column(label, "label", [[8] * len(table)]), path)
    services.checkpoints.clear()
    page = run(network="hydra_a")
    assert "speaks of class 8" in page.error[0].value
