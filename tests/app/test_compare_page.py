"""The page Compare as a visitor drives it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import app.page_scripts
from app import services
from app.charts.cost_axes import AXES
from hydranet.checkpoints import KEPT_OUT, WEIGHTS, list_checkpoints, list_kept_out
from hydranet.checkpoints.card import DataNote, read_card
from hydranet.config import HydraResConfig
from hydranet.costs import count_costs
from hydranet.published import published_results
from hydranet.registry import model_config

PAGE = Path(app.page_scripts.__file__).with_name("compare.py")
PUBLISHED = len(published_results())
SHAPE = {"num_classes": 100, "image_size": 8, "widths": (2, 2, 2)}
HYDRA = {**SHAPE, "num_branches": 4, "k": 2}
CIFAR = DataNote(
    name="cifar100", train_images=80, validation_images=16, test_images=24,
    train_sha256="0" * 64, test_sha256="1" * 64,
)  # fmt: skip


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of checkpoints, which the page reads."""
    monkeypatch.setattr(services, "list_checkpoints", lambda: list_checkpoints(tmp_path))
    return tmp_path


@pytest.fixture
def ours(root: Path, make_checkpoint: Callable[..., Path]) -> Path:
    make_checkpoint("hydra_a", root, shape=HYDRA, data=CIFAR)
    make_checkpoint("resnet_b", root, model="resnet8", shape=SHAPE, data=CIFAR)
    return root


def run(section: str | None = None) -> AppTest:
    page = AppTest.from_file(str(PAGE), default_timeout=30)
    if section:
        page.query_params["section"] = section
    page.run()
    assert not page.exception
    return page


def chart(page: AppTest, key: str = "accuracy_cost") -> dict:
    charts = [c for c in page.get("plotly_chart") if key in c.proto.id]
    return json.loads(charts[0].proto.spec)


def shown(page: AppTest) -> int:
    """Networks in the chart: the points that carry a source on hover."""
    return sum(
        len(trace["hovertext"])
        for trace in chart(page)["data"]
        if "hovertext" in trace
        and not any(curve in trace["name"] for curve in ("k from", "dynamic k"))
    )


def words(page: AppTest) -> str:
    return "\n".join(element.value for element in [*page.markdown, *page.caption])


def test_without_checkpoints_the_published_networks_stand_alone(root: Path) -> None:
    page = run()
    assert shown(page) == PUBLISHED
    assert len(page.dataframe[0].value) == PUBLISHED
    assert "none of our own checkpoints is among them" in words(page)
    assert "no training run" in run("Training runs").info[0].value


def test_ours_stand_beside_them_with_their_training(ours: Path) -> None:
    page = run()
    assert shown(page) == PUBLISHED + 2
    table = page.dataframe[0].value
    assert list(table["Model"][:2]) == ["hydra_a", "resnet_b"]
    page = run("Training runs")
    runs = page.dataframe[1].value
    assert list(runs["Checkpoint"]) == ["hydra_a", "resnet_b"]
    assert list(runs["Epochs"]) == [2, 2]
    curve = next(t for t in chart(page, "training_curves")["data"] if "validation" in t["name"])
    card = read_card(ours / "hydra_a" / "card.json")
    assert list(curve["y"]) == [record.validation_top1 for record in card.history]


def test_the_sentence_is_computed_from_the_cards(
    root: Path, make_checkpoint: Callable[..., Path]
) -> None:
    """Networks "cost the same" only if their MACs do; then the difference in points is given."""
    make_checkpoint("hydra_a", root, shape=HYDRA, data=CIFAR)
    macs = count_costs(model_config("hydra_res_d1", **HYDRA)).routed_macs
    make_checkpoint("resnet_b", root, model="resnet8", shape=SHAPE, data=CIFAR)
    assert "None of our static networks takes as many MACs as **hydra\\_a**" in words(run())

    card = read_card(root / "resnet_b" / "card.json")
    widths = nearest_widths(macs)
    make_checkpoint(
        "resnet_b", root, model="resnet8", shape={**SHAPE, "widths": widths}, data=CIFAR,
        test=replace(card.test, top1=38.5),
    )  # fmt: skip
    services.checkpoints.clear()
    text = words(run())
    assert "takes as many as **resnet\\_b** and stands 1.50 points above it" in text
    assert "40.00 % to 38.50 %" in text


def nearest_widths(macs: int) -> tuple[int, int, int]:
    """Widths of a ResNet-8 whose MACs come nearest to `macs`."""
    widths = [(2, 2, w) for w in range(1, 40)] + [(2, 3, w) for w in range(1, 40)]

    def distance(candidate: tuple[int, int, int]) -> int:
        config = model_config("resnet8", **{**SHAPE, "widths": candidate})
        return abs(count_costs(config).routed_macs - macs)

    return min(widths, key=distance)


def test_another_axis_and_fewer_families(ours: Path) -> None:
    page = run()
    page.segmented_control(key="cost").set_value("Parameters").run()
    assert not page.exception
    unknown = sum(result.params_m is None for result in published_results())
    assert shown(page) == PUBLISHED + 2 - unknown
    assert f"{unknown} networks without a published parameter count" in words(page)

    page.pills(key="family").set_value(["Hydra-ResNet"]).run()
    assert set(page.dataframe[0].value["Family"]) == {HydraResConfig.family}

    page.pills(key="family").set_value([]).run()
    assert not page.exception
    assert "Choose at least one" in page.info[0].value


def test_the_url_holds_the_choice(ours: Path) -> None:
    page = AppTest.from_file(str(PAGE), default_timeout=30)
    page.query_params["cost"] = "Parameters"
    page.query_params["family"] = "ResNet"
    page.run()
    assert not page.exception
    assert chart(page)["layout"]["xaxis"]["title"]["text"].startswith("Parameters")
    assert set(page.dataframe[0].value["Family"]) == {"resnet"}


def test_a_damaged_checkpoint_is_named_as_text_and_the_rest_is_shown(ours: Path) -> None:
    folder = ours / "bro*ken*"
    folder.mkdir()
    (folder / "card.json").write_text("{")
    page = run()
    assert shown(page) == PUBLISHED + 2
    assert "bro\\*ken\\*" in page.warning[0].value


def test_checkpoints_of_other_data_are_counted_and_not_compared(
    root: Path, make_checkpoint: Callable[..., Path]
) -> None:
    make_checkpoint("tiny", root)
    page = run("Training runs")
    assert shown(page) == PUBLISHED
    assert "1 checkpoint was tested on another data set" in words(page)
    assert list(page.dataframe[1].value["Checkpoint"]) == ["tiny"]


def test_a_network_whose_weights_are_kept_out_is_compared_and_not_run(
    ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands on the chart, among the training runs and side by side; nothing times it."""
    (ours / "resnet_b" / WEIGHTS).unlink()
    (ours / "resnet_b" / KEPT_OUT).write_text("Too large.")
    monkeypatch.setattr(services, "list_kept_out", lambda: list_kept_out(ours))
    page = run()
    assert shown(page) == PUBLISHED + 2
    assert not page.warning
    runs = run("Training runs")
    assert "resnet_b" in [*runs.dataframe[-1].value["Checkpoint"]]
    run("Measure here")
    assert [checkpoint.name for checkpoint in services.checkpoints()[0]] == ["hydra_a"]
    beside = AppTest.from_file(str(PAGE), default_timeout=30)
    beside.query_params["section"] = "Side by side"
    beside.query_params["chosen"] = ["hydra_a", "resnet_b"]
    beside.run()
    assert not beside.exception
    assert words(beside).count("#### ") > words(runs).count("#### ")
    assert "resnet\\_b" in words(beside)


@pytest.mark.usefixtures("ours")
def test_the_table_begins_with_what_the_chart_shows() -> None:
    for name, axis in AXES.items():
        page = AppTest.from_file(str(PAGE), default_timeout=60)
        page.query_params["cost"] = name
        page.run()
        assert list(page.dataframe[0].proto.column_order)[:3] == ["Model", "Top-1 (%)", axis.column]
