"""Networks side by side: chosen in the chart or by name, and everything on their cards."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import app.page_scripts
from app import services
from app.charts.class_recall import EACH, class_recall, extremes
from app.charts.part_costs import part_bars, part_macs, part_table
from app.charts.top1_curve import top1_curve
from app.views.compare import chosen, keys
from app.words.card import architecture_words, differing, provenance_words, recipe_table
from hydranet.checkpoints import CHECKPOINTS, ROUTES, find_checkpoint, list_checkpoints
from hydranet.checkpoints.card import DataNote
from hydranet.costs import count_costs
from hydranet.errors import InputError
from hydranet.evaluation.recall import recall_by_class
from hydranet.evaluation.route_log import RouteLog, read_route_log
from hydranet.published import published_results
from hydranet.registry import list_models, model_config

PAGE = Path(app.page_scripts.__file__).with_name("compare.py")
SHAPE = {"num_classes": 100, "image_size": 8, "widths": (2, 2, 2)}
CIFAR = DataNote(
    name="cifar100", train_images=80, validation_images=16, test_images=24,
    train_sha256="0" * 64, test_sha256="1" * 64,
)  # fmt: skip


@pytest.fixture
def root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_checkpoint: Callable[..., Path]
) -> Path:
    """A HydraNet and a static network, which the page lists."""
    monkeypatch.setattr(services, "list_checkpoints", lambda: list_checkpoints(tmp_path))
    names = ("<b>*best*</b>", *(f"class {c}" for c in range(1, 100)))
    hydra = {**SHAPE, "num_branches": 4, "k": 2}
    make_checkpoint("hydra_a", tmp_path, shape=hydra, data=CIFAR, class_names=names)
    make_checkpoint("resnet_b", tmp_path, model="resnet8", shape=SHAPE, data=CIFAR)
    return tmp_path


def words(page: AppTest) -> str:
    return "\n".join(element.value for element in [*page.markdown, *page.caption])


def spec(page: AppTest, key: str) -> dict:
    (chart,) = [c for c in page.get("plotly_chart") if key in c.proto.id]
    return json.loads(chart.proto.spec)


def test_the_address_opens_cards_of_ours_and_of_published_networks(root: Path) -> None:
    page = AppTest.from_file(str(PAGE), default_timeout=30)
    page.query_params["section"] = "Side by side"
    page.query_params["chosen"] = ["hydra_a", "resnet_b", "ResNet-20", "nobody"]
    page.run()
    assert not page.exception
    text = words(page)
    for part in ("#### hydra\\_a", "#### resnet\\_b", "#### ResNet\\-20", "hit rate 50\\.0 %",
                 "**Source:** chenyaofo/pytorch\\-cifar\\-models"):  # fmt: skip
        assert part in text
    assert "nobody" not in text
    bars = spec(page, "part_bars")["data"]
    assert {name for trace in bars for name in trace["y"]} == {"hydra_a", "resnet_b"}
    circles = [t for t in spec(page, "accuracy_cost")["data"] if t["name"] == "chosen"]
    assert len(circles[0]["x"]) == 3
    assert all(len(c.proto.spec) < 500_000 for c in page.get("plotly_chart"))
    assert "<b>" not in json.dumps(spec(page, "class_recall_hydra_a"))


def test_choosing_by_name_opens_the_cards_and_five_are_too_many(root: Path) -> None:
    page = AppTest.from_file(str(PAGE), default_timeout=30).run()
    assert page.segmented_control(key="section").value == "Equal accuracy"
    page.multiselect(key="chosen").set_value(["resnet_b"]).run()
    assert not page.exception
    assert page.segmented_control(key="section").value == "Side by side"
    assert "**The recipe**" in words(page)
    assert page.multiselect(key="chosen").proto.max_selections == 4


@pytest.fixture
def select(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Select points of the chart, by name, one after the other; what is chosen then."""
    state: dict = {}
    monkeypatch.setattr(chosen, "st", SimpleNamespace(session_state=state))

    def do(*names: str) -> list[str]:
        points = [{"customdata": name} for name in names] + [{"x": 1.0}]  # a ring has no name
        state["chart"] = SimpleNamespace(selection=SimpleNamespace(points=points))
        chosen.choose_in_chart("chart", "abcdefg")
        assert state[keys.SECTION] == keys.SIDE_BY_SIDE
        return state.get(keys.CHOSEN, [])

    return do


def test_a_click_joins_and_a_second_click_leaves(select: Callable[..., list[str]]) -> None:
    assert select("c") == ["c"]
    assert select("a") == ["c", "a"]
    assert select("c") == ["a"]
    assert select("d") == ["a", "d"]
    assert select() == ["a"], "a second click at once: Plotly has nothing selected then"
    assert select() == ["a"]


def test_a_fifth_click_drops_the_first(select: Callable[..., list[str]]) -> None:
    for name in "abcd":
        select(name)
    assert select("e") == ["b", "c", "d", "e"]


def test_a_lasso_replaces_the_choice_in_the_order_of_the_table(
    select: Callable[..., list[str]],
) -> None:
    select("g")
    assert select("d", "b", "d") == ["b", "d"], "a network has a point at every k"
    assert select("g", "f", "e", "d", "c", "b") == ["b", "c", "d", "e"]
    assert chosen.st.session_state[chosen._TOO_MANY] == 6
    assert select() == ["b", "c", "d", "e"]


def test_nothing_chosen_says_how_to_choose(root: Path) -> None:
    page = AppTest.from_file(str(PAGE), default_timeout=30)
    page.query_params["section"] = "Side by side"
    page.run()
    assert "take the lasso" in page.info[0].value


def test_recall_by_class_counts_the_log(root: Path) -> None:
    log = read_route_log(CHECKPOINTS / "resnet8" / ROUTES)
    recall = recall_by_class(log, 100)
    for c in (0, 17, 99):
        of_class = [p for label, p in zip(log.label, log.prediction, strict=True) if label == c]
        assert recall[c] == pytest.approx(100 * of_class.count(c) / len(of_class))
    card = find_checkpoint("resnet8", CHECKPOINTS).card
    assert recall.mean() == pytest.approx(card.test.top1), "every class has as many test images"


def test_a_class_without_images_has_no_recall_and_an_alien_label_is_refused() -> None:
    label = np.array([0, 0, 2], np.int32)
    log = RouteLog(label, np.array([0, 1, 2], np.int32), np.ones(3, np.float16))
    np.testing.assert_array_equal(recall_by_class(log, 4), [50, np.nan, 100, np.nan])
    with pytest.raises(InputError, match="labels beyond the 2 classes"):
        recall_by_class(log, 2)


def test_the_recall_chart_shows_the_best_and_the_worst() -> None:
    recall = np.arange(30, dtype=float)
    recall[7] = np.nan
    assert extremes(recall) == [29, 28, 27, 26, 25, 4, 3, 2, 1, 0]
    assert len(extremes(recall[: EACH + 1])) == EACH + 1
    (bars,) = class_recall(recall, [f"<{c}>" for c in range(30)]).data
    assert list(bars.x) == [recall[c] for c in extremes(recall)]
    assert bars.customdata[0] == "&lt;29&gt;"


@pytest.mark.parametrize("name", list_models())
def test_the_parts_of_every_registered_network_add_up(name: str) -> None:
    costs = count_costs(model_config(name))
    parts = part_macs(costs, costs.routed_macs)
    assert sum(parts.values()) == costs.all_branches_macs
    assert sum(parts.values()) - parts["branches that do not run"] == costs.routed_macs
    figure = part_bars([(name, costs, costs.routed_macs) for name in "ab"])
    assert sum(trace.x[1] for trace in figure.data) == pytest.approx(costs.all_branches_macs / 1e6)
    (first, _) = part_table([(name, costs, costs.routed_macs) for name in "ab"]).to_dict("records")
    assert sum(value for key, value in first.items() if key != "Network") == sum(parts.values())


def test_the_curve_of_a_card_holds_its_records(root: Path) -> None:
    card = list_checkpoints(root)[0][0].card
    validation, training = top1_curve(card.history, most=60).data
    assert list(validation.y) == [record.validation_top1 for record in card.history]
    assert list(training.y) == [record.train_top1 for record in card.history]


@pytest.mark.parametrize("name", list_models())
def test_every_registered_architecture_has_words(root: Path, name: str) -> None:
    checkpoints, _ = list_checkpoints(root)
    config = model_config(name)
    card = next(c.card for c in checkpoints if c.card.architecture.is_dynamic == config.is_dynamic)
    branches = getattr(config, "num_branches", 0)
    per_branch = [1.0] * branches
    test = replace(
        card.test, top1_by_k=per_branch, top5_by_k=per_branch, branch_load=per_branch,
        hit_rate_by_k=per_branch if config.has_subtasks else [],
    )  # fmt: skip
    classes = range(config.num_classes)
    card = replace(
        card, architecture=config, test=test, class_names=tuple(map(str, classes)),
        subtask_of_class=tuple(c % branches for c in classes) if config.has_subtasks else None,
    )  # fmt: skip
    text = architecture_words(card)
    assert f"{card.costs.parameters:,} parameters" in text
    if config.is_dynamic:
        assert f"{branches} {card.policy.branches}" in text


def test_recipes_are_compared_by_what_differs(root: Path) -> None:
    card = list_checkpoints(root)[0][0].card
    other = replace(card, name="other", recipe=replace(card.recipe, epochs=7, start="resnet8"))
    table = recipe_table([card, other])
    found = differing(table).set_index("Setting")
    assert found.loc["epochs"].tolist() == ["2", "7"]
    assert found.loc["start"].tolist() == ["none", "resnet8"]
    assert len(found) == 2
    assert len(differing(recipe_table([card]))) == len(table)
    assert len(differing(recipe_table([card, replace(card, name="twin")]))) == 0
    assert "a test with 1 thread" in provenance_words(card)


def test_published_names_are_unique() -> None:
    """The address holds names: two networks of one name could not be told apart."""
    names = [result.model for result in published_results()]
    assert len(set(names)) == len(names)
