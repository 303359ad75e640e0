"""What is kept is asked for under all that it depends on, and goes with who brought it."""

from __future__ import annotations

import gc
import io
import weakref
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

import app.page_scripts
from app import datasets, explanations, services
from app.batch import Batch
from app.charts.part_costs import part_macs
from app.comparing import measuring
from app.handed_over import gone
from app.handed_over.own_images import OwnImages, from_files
from app.inspection import inspect
from app.intake import take_sample
from app.views.specialise.pair import _cost as pair_cost
from hydranet.bulk.rows import Settings
from hydranet.checkpoints import Checkpoint, find_checkpoint, list_checkpoints
from hydranet.config import EarlyExitResConfig, MoeViTConfig
from hydranet.explain.targets import ClassLogit
from hydranet.routing.choices import every_subset
from hydranet.routing.switchboard import Switchboard
from hydranet.specialisation import Slice, slice_figures

PAGES = Path(app.page_scripts.__file__).parent
Make = Callable[..., Path]
SINGLE = {"num_classes": 8, "image_size": 16, "widths": (4, 6, 8), "num_branches": 1, "k": 1}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(services, "list_checkpoints", lambda: list_checkpoints(tmp_path))
    services.checkpoints.clear()
    yield tmp_path
    services.checkpoints.clear()


def twins(root: Path, make_checkpoint: Make) -> list[Checkpoint]:
    """Two networks of the same weights, of which the second names its classes otherwise."""
    make_checkpoint("one", root)
    first = find_checkpoint("one", root)
    names = tuple(f"other {number}" for number in range(8))
    return [first, replace(first, name="two", card=replace(first.card, class_names=names))]


def picture(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def labelled() -> OwnImages:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for label in range(8):
            archive.writestr(f"class {label}/{label}.png", picture(label))
    return from_files([("mine.zip", file.getvalue())])


def test_images_are_judged_anew_by_a_network_of_the_same_weights(
    root: Path, make_checkpoint: Make
) -> None:
    first, second = twins(root, make_checkpoint)
    own = labelled()
    own.set_up(first)
    own.advance()
    assert own.done
    own.set_up(first)
    assert own.done
    own.set_up(second)
    assert (own.done, own.checkpoint.name) == (0, "two")


def test_a_batch_is_routed_anew_by_a_network_of_the_same_weights(
    root: Path, make_checkpoint: Make
) -> None:
    first, second = twins(root, make_checkpoint)
    batch = Batch([("0.png", picture(0))])
    batch.set_up(first, Settings())
    batch.advance(first, Settings())
    assert len(batch.rows) == 1
    batch.set_up(first, Settings())
    assert len(batch.rows) == 1
    batch.set_up(second, Settings())
    assert batch.rows == []


def test_each_of_two_networks_of_the_same_weights_has_times(
    root: Path, make_checkpoint: Make
) -> None:
    both = twins(root, make_checkpoint)
    found = measuring.measure_all(both, 5, lambda part: None)
    assert [key[0] for key in found] == ["one", "one", "two", "two"]
    assert measuring.times(found).keys() == {(one.name, one.card.weights_sha256) for one in both}


def test_what_was_computed_of_a_visitors_images_goes_with_them(
    root: Path, make_checkpoint: Make
) -> None:
    make_checkpoint("one", root)
    own = labelled()
    own.set_up(find_checkpoint("one", root))
    while own.done < own.goal:
        own.advance()
    data = datasets.of_images(own)
    data.ask(slice_figures, Slice())
    assert datasets.of_images(own).table is data.table, "kept while it is looked at"
    table = weakref.ref(data.table)
    del own, data
    gc.collect()
    gone.settle()
    gc.collect()
    assert table() is None


@pytest.fixture
def experts(root: Path, make_checkpoint: Make) -> Checkpoint:
    config = MoeViTConfig(
        patch=4, dim=24, depth=1, heads=2, mlp=2, num_branches=4, k=2, num_classes=8, image_size=16
    )
    make_checkpoint("experts", root, model=config)
    return find_checkpoint("experts", root)


def test_explanations_are_of_the_route_of_every_token(experts: Checkpoint) -> None:
    image, target = take_sample("rocket"), ClassLogit(3)
    two, four = (inspect(experts, image, Switchboard(k=k)) for k in (2, 4))
    assert two.found.tokens is not None
    explanations.explain(two, [target], "integrated gradients")
    assert explanations.known(two, [target], "integrated gradients")
    same = replace(four, found=replace(four.found, fired=two.found.fired))
    assert explanations.known(same, [target], "integrated gradients") is None


def test_a_route_of_experts_that_is_clicked_is_the_one_that_runs(experts: Checkpoint) -> None:
    image = take_sample("rocket")
    now = inspect(experts, image, Switchboard(k=2))
    assert now.examined is not None
    subsets = every_subset(now.examined, now.found.fired, now.found.best)
    for place in range(len(subsets.masks)):
        route = subsets.fired(place)
        board = Switchboard.among(route, 4, k=2)
        found = inspect(experts, image, board).found
        assert found.macs == subsets.macs[place]
        assert found.probabilities[now.found.best] == pytest.approx(
            subsets.probability[place], abs=1e-5
        )


@pytest.mark.parametrize("page", ["inspect", "batch", "specialise"])
def test_a_network_of_one_branch_opens_on_every_page(
    root: Path, make_checkpoint: Make, page: str
) -> None:
    make_checkpoint("single", root, shape=SINGLE, subtask_of_class=(0,) * 8)
    shown = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=60).run()
    assert not shown.exception
    assert not shown.error
    assert shown.selectbox(key="network").value == "single"


def test_a_margin_that_nobody_chose_leaves_nothing_out_of_another_network() -> None:
    page = AppTest.from_file(str(PAGES / "specialise.py"), default_timeout=60)
    page.query_params["network"] = "hydra_res_d1"
    page.query_params["show"] = "Images"
    page.run()
    for name in ("hydra_res_d2", "hydra_dense_d2", "hydra_res_d1", "hydra_res_d2"):
        page.selectbox(key="network").set_value(name).run()
        assert not page.exception
        (images,) = (one.value for one in page.metric if one.label == "Images")
        assert images == "10,000", name


def exits(root: Path, make_checkpoint: Make, name: str, **changes: object) -> Checkpoint:
    config = EarlyExitResConfig(
        n=2, widths=(4, 6, 8), num_branches=3, k=3, num_classes=8, image_size=16, threshold=0.125
    )
    make_checkpoint(name, root, model=config, **changes)
    return find_checkpoint(name, root)


def test_a_threshold_that_is_no_whole_percent_is_the_networks_own(
    root: Path, make_checkpoint: Make
) -> None:
    exits(root, make_checkpoint, "exits")
    page = AppTest.from_file(str(PAGES / "inspect.py"), default_timeout=60).run()
    assert not page.exception
    said = " ".join(element.value for element in [*page.caption, *page.warning])
    assert "with its own settings instead of these" not in said
    page.slider(key="doubt").set_value(50).run()
    said = " ".join(element.value for element in [*page.caption, *page.warning])
    assert "with its own settings instead of these" in said


def test_what_exits_cost_is_what_they_cost_on_average(root: Path, make_checkpoint: Make) -> None:
    card = exits(root, make_checkpoint, "exits").card
    card = replace(card, test=replace(card.test, branch_load=[1.0, 0.5, 0.25]))
    costs, mean = card.costs, round(card.mean_macs)
    assert costs.macs(1) < mean < costs.routed_macs, "some images leave early"
    parts = part_macs(costs, mean)
    assert sum(parts.values()) == costs.all_branches_macs
    assert parts["branches that do not run"] == costs.all_branches_macs - mean
    sentence = pair_cost(card, replace(card, name="twin"))
    assert f"spends {card.mean_macs / 1e6:.2f} M MACs" in sentence
    assert "the same cost" in sentence
