"""Every page shows dynamic networks that are no HydraNets, through the protocol alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import app.page_scripts
from app import services
from app.charts.palette import branch_colour
from app.views.inspect.sections import SECTIONS as INSPECT
from app.views.specialise.sections import SECTIONS as SPECIALISE
from hydranet.checkpoints import list_checkpoints
from hydranet.checkpoints.card import DataNote
from hydranet.config import EarlyExitResConfig, MoeViTConfig

PAGES = Path(app.page_scripts.__file__).parent
CONFIGS = {
    "exits": EarlyExitResConfig(
        n=2, widths=(4, 6, 8), num_branches=3, k=3, num_classes=100, image_size=16, threshold=0.0
    ),
    "experts": MoeViTConfig(
        patch=4,
        dim=48,
        depth=2,
        heads=2,
        mlp=4,
        num_branches=4,
        k=2,
        num_classes=100,
        image_size=16,
    ),
}
CIFAR = DataNote(
    name="cifar100", train_images=80, validation_images=16, test_images=24,
    train_sha256="0" * 64, test_sha256="1" * 64,
)  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, make_checkpoint: Callable[..., Path]) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints")
    for name, config in CONFIGS.items():
        make_checkpoint(name, folder, model=config, data=CIFAR)
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
    return shown


def picture(page: AppTest) -> dict[str, Any]:
    return json.loads(page.get("plotly_chart")[0].proto.spec)


def title(page: AppTest) -> str:
    return picture(page)["layout"]["title"]["text"]


def words(page: AppTest) -> str:
    shown = [*page.markdown, *page.caption, *page.info, *page.error, *page.warning]
    return "\n".join(element.value for element in shown)


def macs(page: AppTest) -> float:
    """Of the route, in millions."""
    (table,) = (m.value for m in page.markdown if "this route" in m.value)
    return float(table.split("**this route**")[1].split("**")[1].removesuffix("\u00a0M"))


@pytest.mark.parametrize("view", list(INSPECT))
@pytest.mark.parametrize("network", CONFIGS)
def test_every_section_of_inspect(network: str, view: str) -> None:
    page = run("inspect.py", network=network, view=view)
    assert page.selectbox(key="network").value == network
    assert not page.error


@pytest.mark.parametrize("network", CONFIGS)
@pytest.mark.parametrize("part", ["stem", "gate", "branch 1", "combiner"])
def test_every_part_can_be_opened(network: str, part: str) -> None:
    policy = CONFIGS[network].policy
    if part == "combiner" and policy.in_a_row:
        pytest.skip("the last exit answers: nothing is combined")
    called = {"gate": policy.gate, "combiner": policy.combiner, "branch 1": f"{policy.branch} 1"}
    page = run("inspect.py", network=network, view="Parts", part=called.get(part, part))
    assert page.selectbox(key="part").value == part
    assert not page.error
    rings = [s["type"] for s in picture(page)["layout"]["shapes"] if s.get("name") == "opened"]
    if part == "gate" and policy.in_a_row:  # what each exit leaves is no part of its own
        assert not rings
    else:
        assert rings == ["rect" if part.startswith("branch") else "circle"]


@pytest.mark.parametrize("show", list(SPECIALISE))
@pytest.mark.parametrize("network", CONFIGS)
def test_every_section_of_specialise(network: str, show: str) -> None:
    page = run("specialise.py", network=network, show=show)
    assert not page.error


@pytest.mark.parametrize("network", CONFIGS)
@pytest.mark.parametrize("page", ["compare.py", "batch.py"])
def test_compare_and_batch(network: str, page: str) -> None:
    run(page, network=network)


@pytest.mark.parametrize("why", ["one branch's gate score", "this branch and not the next"])
@pytest.mark.parametrize("network", CONFIGS)
def test_what_cannot_be_asked_is_said_in_a_sentence(network: str, why: str) -> None:
    page = run("inspect.py", network=network, view="Why", why=why)
    assert "Ask why this answer" in words(page)


def test_exits_stand_in_a_row_and_light_up_as_far_as_the_image_went() -> None:
    page = run("inspect.py", network="exits", doubt="0")
    assert title(page) == "Left at exit 2, the last of 3"
    whole = macs(page)
    page.slider(key="doubt").set_value(100).run()
    assert not page.exception
    assert title(page) == "Left at exit 0 of 3"
    assert macs(page) < whole
    (squares,) = (trace for trace in picture(page)["data"] if trace["name"] == "branches")
    assert squares["y"] == [0.0] * 3, "in a row"
    lit = [colour == branch_colour(b) for b, colour in enumerate(squares["marker"]["color"])]
    assert lit == [True, False, False]
    assert "did not run" in squares["hovertext"][2]
    said = words(page)
    assert "Exits stand in a row" in said
    assert "going on while at least 100 % doubt is left, to 3 exits at most" in said


def test_an_exit_can_be_switched_off() -> None:
    page = run("inspect.py", network="exits", doubt="100", off="0")
    assert title(page) == "Left at exit 1 of 3"
    (squares,) = (trace for trace in picture(page)["data"] if trace["name"] == "branches")
    assert "passed, not asked" in squares["hovertext"][0]
    assert "switched off by you" in squares["hovertext"][0]


def test_specialise_says_how_far_images_go_on_average() -> None:
    assert "on average 3.00 of 3 exits run" in words(run("specialise.py", network="exits"))


def test_specialise_says_what_a_branch_of_an_image_is() -> None:
    said = words(run("specialise.py", network="exits", show="Branches"))
    assert "100.0 % come to the last" in said
    assert "stand for it here" in words(run("specialise.py", network="experts", show="Branches"))


def test_compare_places_it_among_other_dynamic_networks() -> None:
    table = run("compare.py").dataframe[0].value
    row = table[table["Model"] == "exits"].iloc[0]
    assert row["Family"] == "early-exit-resnet"


def test_experts_show_which_took_which_patch() -> None:
    page = run("inspect.py", network="experts", view="Parts", part="router")
    charts = [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]
    titles = [chart["layout"].get("title", {}).get("text") for chart in charts]
    patches = charts[titles.index("Which expert took which patch")]
    assert len(patches["layout"]["annotations"]) == 16
    taken = {note["text"] for note in patches["layout"]["annotations"]}
    assert taken <= {"0", "1", "2", "3"}
    assert "chooses for every patch" in words(page)
    assert title(page).startswith("Patches went to ")


def test_an_expert_that_is_switched_off_leaves_its_patches_to_others() -> None:
    cost = macs(run("inspect.py", network="experts"))
    page = run("inspect.py", network="experts", view="Parts", part="router", off="0")
    (squares,) = (trace for trace in picture(page)["data"] if trace["name"] == "branches")
    assert "did not fire" in squares["hovertext"][0]
    assert "switched off by you" in squares["hovertext"][0]
    assert macs(page) == cost, "every patch goes to as many as before"
    assert macs(run("inspect.py", network="experts", k="1")) < cost


def test_questions_that_experts_have_no_answer_to_are_said() -> None:
    page = run("inspect.py", network="experts", view="Why", why="one branch's share of it")
    assert "chooses for every patch" in words(page)
    page = run("inspect.py", network="experts", view="Why")
    assert not page.error
    assert "grad-cam" not in page.selectbox(key="method").options
