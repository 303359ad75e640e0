"""The sections Parts, Routes and Second network, driven without a browser."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import app.page_scripts
from app import services
from app.comparing.baseline import static_baseline, top1_of_route
from app.inspection import Inspection
from app.views.inspect.combiner import _who_speaks
from hydranet.checkpoints import find_checkpoint, list_checkpoints
from hydranet.checkpoints.card import DataNote
from hydranet.routing.policies import GATED
from hydranet.training.recipe import Recipe

PAGE = Path(app.page_scripts.__file__).parent / "inspect.py"


def visit(**address: str | list[str]) -> AppTest:
    """The page as an address leads to it; there is never a traceback."""
    page = AppTest.from_file(str(PAGE), default_timeout=60)
    for key, value in address.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    return page


def specs(page: AppTest) -> dict[str, dict]:
    """Charts by title; the first is the network picture."""
    found = [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]
    return {spec["layout"].get("title", {}).get("text", ""): spec for spec in found}


def words(page: AppTest) -> str:
    return "\n".join(e.value for e in [*page.markdown, *page.caption, *page.info])


def network_title(page: AppTest) -> str:
    return json.loads(page.get("plotly_chart")[0].proto.spec)["layout"]["title"]["text"]


@pytest.mark.parametrize(
    ("part", "title"),
    [
        ("stem", "Feature maps of the stem"),
        ("gate", "Gate score of every branch"),
        ("gate", "Feature maps of the gate"),
        ("branch 3", "Feature maps of branch 3"),
        ("combiner", "What each fired branch adds to the logit"),
        ("combiner", "What each fired branch is worth to the probability"),
    ],
)
def test_each_part_opens_by_its_address(part: str, title: str) -> None:
    page = visit(part=part)
    assert page.selectbox(key="part").value == part
    assert title in specs(page)
    assert all(chart.proto.alt for chart in page.get("plotly_chart"))


def test_a_branch_that_did_not_run_says_so_beside_its_maps() -> None:
    assert "did not run" in words(visit(part="branch 3")).split("channels of")[1]
    assert "did not run" not in words(visit(part="branch 16")).split("channels of")[1]


def test_more_than_twelve_branches_get_estimates() -> None:
    assert "Exact, over every subset" in words(visit(part="combiner"))
    assert "more than 12 branches fired" in words(visit(part="combiner", k="13"))


@pytest.mark.parametrize("view", ["Parts", "Routes", "Second network"])
def test_a_static_network_has_every_section(view: str) -> None:
    page = visit(network="resnet14", view=view)
    assert network_title(page).startswith("A static network")
    assert not page.error


def test_a_static_network_opens_stem_and_last_stage() -> None:
    page = visit(network="resnet14")
    assert page.selectbox(key="part").options == ["stem", "last stage"]
    assert "Feature maps of the last stage" in specs(page)


def test_routes_show_every_branch_best_scored_first() -> None:
    page = visit(view="Routes", on="3", off="16")
    table = page.dataframe[0].value
    assert next(iter(table["branch"])) == 16
    assert sorted(table["branch"]) == list(range(20))
    states = dict(zip(table["branch"], table["state"], strict=True))
    assert states[16] == "did not fire, switched off"
    assert states[3] == "fired, switched on"
    assert "you switched on 3; you switched off 16" in words(page)


def test_the_class_in_question_is_asked_of_every_section() -> None:
    page = visit(view="Routes", **{"class": "castle"})
    assert "By how much castle" in words(page)
    page.segmented_control(key="view").set_value("Parts").run()
    page.selectbox(key="part").select("combiner").run()
    assert "Full colour: castle; pale: rocket" in words(page)
    page.selectbox(key="class").set_value(None).run()
    assert "Full colour: rocket" in words(page)


def test_all_branches_off_is_a_sentence() -> None:
    page = visit(off=[str(b) for b in range(20)])
    (error,) = page.error
    assert "switched off" in error.value


@pytest.mark.parametrize(
    "address",
    [
        {"k": "-3"}, {"k": "many"}, {"k": "999"}, {"threshold": "7.5"}, {"on": "99"},
        {"on": "3", "off": "3"}, {"class": "no such class"}, {"view": "<b>"}, {"part": "branch 77"},
        {"other": "nothing"}, {"network": "../.."}, {"part": "branch"}, {"sample": "?"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("network", ["hydra_res_d1", "resnet14"])
def test_nonsense_in_the_address_is_left_out(address: dict[str, str], network: str) -> None:
    page = visit(**{"network": network, **address})
    assert not page.error
    assert page.get("plotly_chart")


def test_cost_stands_beside_all_branches_and_the_nearest_static_network() -> None:
    (table,) = (m.value for m in visit().markdown if "this route" in m.value)
    rows = [line.split("|")[1].strip(" *") for line in table.splitlines()[2:]]
    assert rows[:2] == ["this route", "all 20"]
    card = find_checkpoint("hydra_res_d1").card
    fired = rf"(\d+) of {card.costs.num_branches} fired"
    (count,) = re.findall(fired, network_title(visit()))
    static = static_baseline(card, list_checkpoints()[0], top1_of_route(card, int(count)))
    assert rows[2:] == ([static.name] if static else [])


@pytest.mark.parametrize(
    ("address", "top1", "said"),
    [
        ({}, "72.05\u00a0%", "with the gate picking 4."),
        ({"k": "1"}, "", "with the gate picking 1."),
        (
            {"threshold": "7"}, "72.10\u00a0%",
            "picking 4, branches below 7 % dropped, 42.7 M MACs on average.",
        ),
        ({"off": "16"}, "–", "not known, for none of the 10,000 test images was routed so."),
    ],
)  # fmt: skip
def test_top1_is_that_of_the_setting_whatever_this_image_ran(
    address: dict[str, str], top1: str, said: str
) -> None:
    page = visit(network="hydra_res_d2", **address)
    card = find_checkpoint("hydra_res_d2").card
    (table,) = (m.value for m in page.markdown if "this route" in m.value)
    if "off" not in address and "threshold" not in address:
        board_k = int(address.get("k", "4"))
        top1 = f"{card.test.top1_by_k[board_k - 1]:.2f}\u00a0%"
    assert table.splitlines()[2].split("|")[4].strip(" *") == top1
    assert said in words(page)
    assert ("to that of this one with its own settings" in words(page)) == (top1 == "–")
    alone = "with its own settings instead of these" in words(page) + page_warnings(page)
    assert alone == bool(address)


def page_warnings(page: AppTest) -> str:
    return "\n".join(element.value for element in page.warning)


def test_the_baseline_is_of_the_same_images_and_the_nearest_top1(
    tmp_path: Path, make_checkpoint
) -> None:
    other = DataNote(
        name="tiny", train_images=80, validation_images=16, test_images=24,
        train_sha256="9" * 64, test_sha256="1" * 64,
    )  # fmt: skip
    make_checkpoint("hydra", tmp_path)
    make_checkpoint("static", tmp_path, model="resnet14")
    make_checkpoint("elsewhere", tmp_path, model="resnet14", data=other)
    card = find_checkpoint("hydra", tmp_path).card
    everything, _ = list_checkpoints(tmp_path)
    found = static_baseline(card, everything, 40.0)
    assert found is not None
    assert found.name == "static"
    rest = [checkpoint for checkpoint in everything if checkpoint.name != "static"]
    assert static_baseline(card, rest, 40.0) is None
    taught = Recipe(teacher="static")
    make_checkpoint("taught", tmp_path, model="resnet14", recipe=taught)
    with_one = find_checkpoint("taught", tmp_path)
    assert static_baseline(card, [with_one, *rest], 40.0) is None
    assert static_baseline(replace(card, recipe=taught), [found, with_one], 40.0) == with_one
    assert top1_of_route(card, 4) == card.test.top1_by_k[3]


def test_two_networks_stand_side_by_side() -> None:
    page = visit(view="Second network", other="resnet8")
    assert page.selectbox(key="other").value == "resnet8"
    titles = [
        json.loads(chart.proto.spec)["layout"].get("title", {}).get("text", "")
        for chart in page.get("plotly_chart")
    ]
    assert sum(title.endswith("of 20 fired") for title in titles) == 2
    assert sum(title.startswith("A static network") for title in titles) == 1
    assert "M MACs." in words(page)


def test_one_network_alone_has_no_second(
    tmp_path: Path, make_checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_checkpoint("alone", tmp_path)
    monkeypatch.setattr(services, "list_checkpoints", lambda: list_checkpoints(tmp_path))
    page = visit(view="Second network")
    assert "no second network" in words(page)


def test_nobody_speaks_for_a_class_that_all_speak_against() -> None:
    """Shares of three branches in the logits of the class asked about and of its rival."""

    def said(*shares: tuple[float, float]) -> str:
        found = SimpleNamespace(fired=(7, 2, 4), shares=np.array(shares))
        policy = SimpleNamespace(policy=GATED)
        asked = SimpleNamespace(found=found, card=policy, class_in_question=0, rival=1)
        return _who_speaks(cast(Inspection, asked), "camel", "rocket")

    ahead = said((0.1, 0.3), (0.5, 0.2), (0.0, 4.0))
    assert ahead == "Branch 2 speaks most for camel against rocket."
    behind = said((0.1, 0.3), (0.1, 0.2), (-0.6, 10.0))
    assert behind == "No branch speaks for camel against rocket; branch 4 speaks most against it."
