"""A whole run by name: data → subtasks → network → training → checkpoint; and upcycling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hydranet.checkpoints import load
from hydranet.checkpoints.card import MOST_TRAININGS, read_card
from hydranet.config import HydraResConfig, ResNetConfig
from hydranet.data import ImageSet
from hydranet.data.batches import Batches
from hydranet.data.normalisation import Normalisation
from hydranet.errors import InputError
from hydranet.evaluation.labelled import evaluate
from hydranet.evaluation.route_log import read_route_log
from hydranet.models import HydraNet, Network, build
from hydranet.training.finish import finish
from hydranet.training.recipe import Recipe
from hydranet.training.run import class_features, make_subtasks, train_model
from hydranet.training.upcycling import upcycle

RECIPE = Recipe(
    epochs=1, batch_size=32, precision="float32", compile="off", validation_images=24,
    subtasks="random",
)  # fmt: skip
CPU = torch.device("cpu")
SHAPE: dict[str, Any] = {"widths": (4, 6, 8), "num_classes": 5, "image_size": 16}
NORMALISATION = Normalisation((0.5,) * 3, (0.25,) * 3)


def no_checkpoint(name: str) -> Network:
    raise AssertionError(f"{name} must not be asked for")


def used(model: Network) -> Network:
    """With batch statistics of its own, in eval mode."""
    with torch.no_grad():
        model(torch.randn(32, 3, 16, 16))
    return model.eval()


@pytest.fixture
def static() -> Network:
    return used(build(ResNetConfig(n=1, **SHAPE)))


def test_a_static_run_becomes_a_checkpoint(coloured: ImageSet, tmp_path: Path) -> None:
    run = train_model("resnet8", coloured, recipe=RECIPE, load_network=no_checkpoint, device=CPU)
    assert (len(run.train), len(run.validation)) == (96, 24)
    assert run.recipe.gate_loss == 0
    card = finish(run, name="mine", test=coloured, root=tmp_path, device=CPU)
    model = load("mine", tmp_path)
    assert model.card == card
    again = evaluate(model, Batches(coloured, card.normalisation))
    assert again.metrics == card.test
    log = read_route_log(tmp_path / "mine" / "routes.parquet")
    assert np.array_equal(log.prediction, again.routes.prediction)
    assert card.data.test_sha256 == coloured.sha256
    assert card.normalisation == Normalisation(*run.train.channel_statistics())


def test_other_test_classes_are_refused(coloured: ImageSet, tmp_path: Path) -> None:
    run = train_model("resnet8", coloured, recipe=RECIPE, load_network=no_checkpoint, device=CPU)
    other = replace(coloured, class_names=("green", "red", "blue"))
    with pytest.raises(InputError, match="classes of its training split"):
        finish(run, name="mine", test=other, root=tmp_path, device=CPU)
    assert not list(tmp_path.iterdir())


def test_a_static_network_starts_from_one_of_its_kind(coloured: ImageSet) -> None:
    recipe = replace(RECIPE, start="other", learning_rate=0.0)
    options: dict[str, Any] = {"recipe": recipe, "device": CPU}
    trained = used(build(ResNetConfig(n=1, num_classes=7)))
    run = train_model("resnet8", coloured, load_network=lambda name: trained, **options)
    for ours, theirs in zip(run.model.stem.parameters(), trained.stem.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    with pytest.raises(InputError, match=r"A ResNet-14 starts from a ResNet-14 .* not from a ResN"):
        train_model("resnet14", coloured, load_network=lambda name: trained, **options)


def test_a_hydranet_goes_on_from_itself_with_its_subtasks(
    coloured: ImageSet, tmp_path: Path
) -> None:
    """Not from one that differs in k or knows other classes."""
    first = train_model(
        "hydra_res_d1", coloured, recipe=RECIPE, load_network=no_checkpoint, device=CPU
    )
    own = np.roll(first.subtask_of_class, 1)
    finish(
        replace(first, subtask_of_class=own), name="mine", test=coloured, root=tmp_path, device=CPU
    )
    recipe = replace(RECIPE, start="mine", learning_rate=0.0, subtasks="clusters")

    def load_network(name: str) -> Network:
        return load(name, tmp_path)

    options: dict[str, Any] = {"recipe": recipe, "load_network": load_network, "device": CPU}
    again = train_model("hydra_res_d1", coloured, **options)
    assert again.subtask_of_class is not None
    assert again.subtask_of_class.tolist() == own.tolist()
    stored = load("mine", tmp_path).state_dict()
    for name, value in again.model.named_parameters():
        assert torch.equal(value, stored[name]), name
    assert again.before == load_network("mine").card.trainings
    with pytest.raises(InputError, match="can start from a ResNet-8, not from a HydraNet"):
        train_model("hydra_res_d1", coloured, k=1, **options)
    other = replace(coloured, class_names=("green", "red", "blue"))
    with pytest.raises(InputError, match="can start from a ResNet-8, not from a HydraNet"):
        train_model("hydra_res_d1", other, **options)


def test_a_card_tells_what_was_trained_before(coloured: ImageSet, tmp_path: Path) -> None:
    """Of a network that starts from another that started from another, with a teacher between."""

    def load_network(name: str) -> Network:
        return load(name, tmp_path)

    names = [f"net{number}" for number in range(MOST_TRAININGS + 3)]
    start: str | None = None
    for number, name in enumerate(names):
        teacher = names[0] if number == 1 else None
        recipe = replace(RECIPE, start=start, teacher=teacher, learning_rate=0.001 * number)
        run = train_model(
            "resnet8", coloured.subset(np.arange(64)), recipe=recipe, load_network=load_network,
            device=CPU,
        )  # fmt: skip
        card = finish(run, name=name, test=coloured, root=tmp_path, device=CPU)
        told = [training.name for training in card.trainings]
        assert told == names[max(0, number - MOST_TRAININGS) : number + 1]
        assert [training.recipe for training in card.before] == [
            load_network(earlier).card.recipe for earlier in told[:-1]
        ]
        assert card.teacher == (names[0] if names[1] in told else None)
        assert read_card(tmp_path / name / "card.json") == card
        start = name


def test_branches_are_chosen_from_the_classes(coloured: ImageSet) -> None:
    options: dict[str, Any] = {"load_network": no_checkpoint, "device": CPU}
    run = train_model("hydra_res_d1", coloured, recipe=RECIPE, **options)
    assert (run.config.num_branches, run.config.k) == (3, 2)
    assert sorted(run.subtask_of_class) == [0, 1, 2]
    grouped = replace(coloured, superclasses=(1, 0, 1))
    recipe = replace(RECIPE, subtasks="superclasses")
    run = train_model("hydra_res_d1", grouped, recipe=recipe, k=2, **options)
    assert (run.config.num_branches, run.config.k) == (2, 2)


def test_a_validation_split_of_its_own_is_used_whole(coloured: ImageSet) -> None:
    train, own = coloured.split(30, seed=1)
    options: dict[str, Any] = {"recipe": RECIPE, "load_network": no_checkpoint, "device": CPU}
    run = train_model("resnet8", train, validation=own, **options)
    assert (len(run.train), len(run.validation)) == (90, 30)
    assert run.recipe.validation_images == 30
    other = replace(own, class_names=("green", "red", "blue"))
    with pytest.raises(InputError, match="validation split of coloured must have the classes"):
        train_model("resnet8", train, validation=other, **options)


def test_a_tenth_is_held_out_unless_said(coloured: ImageSet) -> None:
    recipe = replace(RECIPE, validation_images=None)
    run = train_model("resnet8", coloured, recipe=recipe, load_network=no_checkpoint, device=CPU)
    assert (len(run.validation), run.recipe.validation_images) == (12, 12)


def test_a_class_without_images_is_refused(coloured: ImageSet) -> None:
    data = replace(coloured, class_names=(*coloured.class_names, "grey"))
    with pytest.raises(InputError, match="'grey' has none"):
        train_model("resnet8", data, recipe=RECIPE, load_network=no_checkpoint, device=CPU)


def subtasks(
    images: ImageSet, branches: int, *, static: Network | None = None, **changes: Any
) -> list[int]:
    recipe = replace(RECIPE, **changes)
    return make_subtasks(recipe, images, static, NORMALISATION, branches, CPU).tolist()


def test_subtasks_as_the_recipe_asks(coloured: ImageSet) -> None:
    grouped = replace(coloured, superclasses=(1, 0, 1))
    assert subtasks(grouped, 2, subtasks="superclasses") == [0, 1, 0]
    assert sorted(subtasks(coloured, 3, subtasks="random")) == [0, 1, 2]
    static = used(build(ResNetConfig(n=1, **{**SHAPE, "num_classes": 3})))
    assert sorted(subtasks(coloured, 3, static=static, subtasks="clusters")) == [0, 1, 2]


@pytest.mark.parametrize(
    ("kind", "groups", "sentence"),
    [
        ("superclasses", None, "but coloured has none"),
        ("superclasses", (0, 0, 1), r"as many superclasses as branches \(3\).*has 2"),
        ("clusters", None, "Name its checkpoint as start"),
    ],
)
def test_subtasks_that_cannot_be_made(
    coloured: ImageSet, kind: str, groups: tuple[int, ...] | None, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        subtasks(replace(coloured, superclasses=groups), 3, subtasks=kind)


def test_class_features_are_means(coloured: ImageSet) -> None:
    static = used(build(ResNetConfig(n=1, **{**SHAPE, "num_classes": 3})))
    found = class_features(static, coloured, NORMALISATION, batch_size=7)
    images = NORMALISATION.apply(torch.from_numpy(coloured.images).permute(0, 3, 1, 2))
    with torch.no_grad():
        features = static.features(images).numpy()
    for c in range(3):
        expected = features[coloured.labels == c].mean(axis=0)
        np.testing.assert_allclose(found[c], expected, atol=1e-5)


def test_class_features_need_a_static_network(coloured: ImageSet) -> None:
    hydra = build(HydraResConfig(d=1, num_branches=2, k=1, **SHAPE))
    with pytest.raises(InputError, match="static network, not from a HydraNet"):
        class_features(hydra, coloured, NORMALISATION)


@pytest.mark.parametrize("k", [1, 4, 6])
def test_an_upcycled_network_answers_as_the_static_one(static: Network, k: int) -> None:
    hydra = build(HydraResConfig(d=1, num_branches=6, k=2, **SHAPE))
    assert isinstance(hydra, HydraNet)
    upcycle(hydra, static)
    hydra.eval()
    x = torch.randn(9, 3, 16, 16)
    with torch.no_grad():
        output = hydra(x, k=k)
        expected = static(x)
    torch.testing.assert_close(output.logits, expected, atol=1e-4, rtol=1e-4)
    assert len(output.route.indices.unique()) > 1 or k == 1


def test_upcycling_copies_and_does_not_share(static: Network) -> None:
    hydra = build(HydraResConfig(d=1, num_branches=2, k=1, **SHAPE))
    assert isinstance(hydra, HydraNet)
    upcycle(hydra, static)
    theirs = {p.data_ptr() for p in static.parameters()}
    ours = [p.data_ptr() for p in hydra.parameters()]
    assert len(set(ours)) == len(ours)
    assert not theirs & set(ours)


@pytest.mark.parametrize(
    "make",
    [
        lambda: HydraResConfig(d=2, num_branches=2, k=1, **SHAPE),
        lambda: HydraResConfig(d=1, num_branches=2, k=1, **{**SHAPE, "widths": (4, 6, 10)}),
    ],
    ids=["depth", "widths"],
)
def test_networks_that_do_not_fit(static: Network, make: Callable[[], HydraResConfig]) -> None:
    hydra = build(make())
    assert isinstance(hydra, HydraNet)
    with pytest.raises(InputError, match="ResNet-8"):
        upcycle(hydra, static)


def test_a_hydranet_is_no_start(static: Network) -> None:
    hydra = build(HydraResConfig(d=1, num_branches=2, k=1, **SHAPE))
    assert isinstance(hydra, HydraNet)
    with pytest.raises(InputError, match="not from a HydraNet"):
        upcycle(hydra, hydra)
