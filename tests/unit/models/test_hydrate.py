"""Classifiers of torchvision and timm as HydraNets, at the size of their images."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import hydranet
from hydranet.checkpoints.card import card_from_json
from hydranet.config import HydraBackboneConfig, config_from_json
from hydranet.costs import count_costs
from hydranet.data import ImageSet
from hydranet.engines import open_engine
from hydranet.errors import InputError
from hydranet.explain import feature_maps
from hydranet.models import HydraNet, StaticNetwork, build
from hydranet.models.backbone import library_model, on_meta, split_places
from hydranet.training.finish import finish
from hydranet.training.recipe import Recipe
from hydranet.training.run import train_model

TORCHVISION = (
    "resnet18", "resnet34", "resnet50", "mobilenet_v3_small",
    "efficientnet_b0", "regnet_y_400mf", "convnext_tiny",
)  # fmt: skip
TIMM = ("resnet18", "mobilenetv3_large_100", "regnety_004", "convnext_tiny")
NAMES = [*TORCHVISION, *(f"timm/{name}" for name in TIMM)]


def small(name: str) -> HydraNet:
    return hydranet.hydrate(name, branches=3, k=2, num_classes=7).eval()


@pytest.fixture(scope="module", params=NAMES)
def hydra(request: pytest.FixtureRequest) -> HydraNet:
    torch.manual_seed(0)
    return small(request.param)


def test_costs_are_what_torch_counts(hydra: HydraNet) -> None:
    costs = count_costs(hydra.config)
    assert sum(p.numel() for p in hydra.parameters()) == costs.parameters
    x = torch.randn(1, 3, 224, 224)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        hydra(x)
    assert counter.get_total_flops() == 2 * costs.routed_macs
    parts = {
        "gate": (hydra.gate, costs.gate), "branch": (hydra.branches[2], costs.branch),
    }  # fmt: skip
    with torch.no_grad():
        seen = hydra.stem(x)
        for part, cost in parts.values():
            with FlopCounterMode(display=False) as counter:
                part(seen)
            assert counter.get_total_flops() == 2 * cost.macs
            assert sum(p.numel() for p in part.parameters()) == cost.parameters


def test_the_classifier_itself_is_its_static_network(hydra: HydraNet) -> None:
    config = hydra.config.static
    costs, static = count_costs(config), build(config)
    with on_meta():
        original = library_model(config.library, config.backbone, 7)
    assert sum(p.numel() for p in original.parameters()) == costs.parameters
    assert isinstance(static, StaticNetwork)
    assert sum(p.numel() for p in static.parameters()) == costs.parameters
    x = torch.empty(1, 3, 224, 224, device="meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        assert static.to("meta").eval()(x).shape == (1, 7)
    assert counter.get_total_flops() == 2 * costs.routed_macs
    assert costs.parameters > count_costs(hydra.config).branch.parameters


def test_it_is_rebuilt_from_its_configuration(hydra: HydraNet) -> None:
    config = config_from_json(json.loads(json.dumps(hydra.config.to_json())))
    assert config == hydra.config
    with torch.device("meta"):
        twin = build(config)
    assert {n: v.shape for n, v in twin.state_dict().items()} == {
        n: v.shape for n, v in hydra.state_dict().items()
    }


def test_it_learns_and_its_branches_differ(hydra: HydraNet) -> None:
    """One step on two images moves stem, gate, the branches that fired, and the combiner."""
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    twin = build(hydra.config)
    assert isinstance(twin, HydraNet)
    output = twin(x)
    (output.logits.square().sum() + output.gate_scores.square().sum()).backward()
    for part in (twin.stem, twin.gate, twin.combiner, *twin.branches):
        fired = part not in list(twin.branches) or bool(
            output.route.mask[:, list(twin.branches).index(part)].any()
        )
        moved = [p.grad is not None and bool(p.grad.abs().sum() > 0) for p in part.parameters()]
        assert any(moved) == fired
    assert all(module.training for module in twin.modules())
    first, second = (branch.state_dict() for branch in list(hydra.branches)[:2])
    assert any(not torch.equal(first[name], second[name]) for name in first)


def test_pages_engines_and_explanations_get_what_they_need(
    hydra: HydraNet, tmp_path: Path, make_checkpoint: Callable[..., Path]
) -> None:
    folder = make_checkpoint("own", tmp_path, model=hydra.config)
    model = hydranet.load(folder)
    assert model.card is not None
    assert card_from_json(json.loads((folder / "card.json").read_text())) == model.card
    pixels = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    checkpoint = hydranet.list_checkpoints(tmp_path)[0][0]
    engine = open_engine(checkpoint)
    assert engine.name == "eager"
    answer, expected = (e.run(pixels) for e in (engine, open_engine(checkpoint, "reference")))
    np.testing.assert_allclose(answer.logits, expected.logits, atol=1e-4)
    with pytest.raises(InputError, match="knows the layers of ResNet and DenseNet, not those of"):
        open_engine(checkpoint, "onnx")
    (found,) = hydranet.predict(model, [pixels[0]], runs=1)
    assert found.macs == count_costs(hydra.config).routed_macs
    np.testing.assert_allclose(found.logits, answer.logits[0], atol=1e-4)
    _, x = hydranet.network_input(model.card, pixels[0])
    maps = feature_maps.branch_maps(model, x, found.fired[0])
    assert maps.ndim == 3


@pytest.mark.parametrize("name", ["resnet18", "convnext_tiny", "timm/resnet18"])
def test_weights_of_a_network_are_kept_where_they_fit(name: str) -> None:
    library, _, backbone = name.rpartition("/")
    model = library_model(library or "torchvision", backbone, 5).eval()
    hydra = hydranet.hydrate(model, branches=2, k=1, width=1, gate_width=0.125).eval()
    assert hydra.config == HydraBackboneConfig(
        library=library or "torchvision", backbone=backbone, num_classes=5, num_branches=2, k=1,
        split=hydra.config.split, width=1,
    )  # fmt: skip
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        output = hydra(x)
        head = list(model.modules())[-1]
        assert isinstance(head, nn.Linear)
        torch.testing.assert_close(head(output.features[:, 0]), model(x), atol=1e-4, rtol=1e-3)


def test_it_is_trained_and_stored_as_any_network(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 8)
    colours = np.array([[200, 60, 60], [60, 200, 60], [60, 60, 200]])
    noise = rng.integers(-50, 50, (24, 64, 64, 3))
    pixels = (colours[labels][:, None, None, :] + noise).astype(np.uint8)
    images = ImageSet("coloured", pixels, labels, ("red", "green", "blue"))
    recipe = Recipe(epochs=1, batch_size=10, precision="float32", compile="off", start="static")
    hydra = hydranet.hydrate("mobilenet_v3_small", branches=3, k=1, num_classes=3)
    cpu = torch.device("cpu")
    static = build(replace(hydra.config.static, image_size=64))
    run = train_model(
        hydra.config, images, recipe=recipe, load_network=lambda name: static, device=cpu
    )
    assert run.config == replace(hydra.config, image_size=64)
    assert sorted(run.subtask_of_class) == [0, 1, 2]
    card = finish(run, name="own", test=images, root=tmp_path, device=cpu)
    assert hydranet.load("own", tmp_path).card == card


def test_every_place_that_is_listed_works() -> None:
    places = split_places("torchvision", "mobilenet_v3_small")
    assert len(places) > 3
    for place in places:
        config = HydraBackboneConfig(
            library="torchvision", backbone="mobilenet_v3_small", split=place, num_classes=4,
            num_branches=2, k=1,
        )  # fmt: skip
        assert count_costs(config).branch.macs > 0
        with torch.no_grad():
            assert build(config).eval()(torch.randn(1, 3, 64, 64)).logits.shape == (1, 4)


def test_the_default_split_is_the_last_stage() -> None:
    found = {name: small(name).config.split for name in ("resnet18", "convnext_tiny")}
    assert found == {"resnet18": "layer4", "convnext_tiny": "features.6"}


@pytest.mark.parametrize(
    ("model", "options", "sentence"),
    [
        ("resnet18", {"split": "layer9"}, r"'layer9'. It can be split at layer2, layer3, layer4:"),
        ("resnet18", {"split": "layer1"}, r"'layer1'. It can be split at layer2"),
        ("resnet18", {"split": "conv1"}, r"'conv1'. It can be split at"),
        ("resnet18", {"split": "../x"}, "split must be the name of a part"),
        ("resnet18", {"image_size": 32}, "last maps of resnet18 are a single pixel"),
        ("resnet18", {"width": 0.0}, "width must be a number above 0"),
        ("resnet18", {"gate_width": 2}, "gate_width must be"),
        ("resnet18", {"branches": 2, "k": 3}, "from 1 to 2, not 3"),
        ("resnet19", {}, "torchvision has no classifier named 'resnet19'. Did you mean"),
        ("timm/hf_hub:someone/model", {}, "timm has no classifier named 'hf_hub"),
        ("keras/resnet18", {}, "library must be one of torchvision, timm, not 'keras'"),
        ("vit_b_16", {}, "must run convolutional stages"),
        ("vgg11", {}, "does more than run its parts one after another"),
        ("timm/halonet26t", {}, "does more than run its parts one after another"),
        ("timm/skresnet18", {}, "skresnet18 cannot be split anywhere"),
        (
            nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(4, 2)),
            {},
            "this Sequential has other layers",
        ),
    ],
)
def test_what_cannot_be_is_a_sentence(
    model: str | nn.Module, options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        hydranet.hydrate(model, **options)  # type: ignore[arg-type]


def test_a_changed_network_is_refused() -> None:
    model = library_model("torchvision", "resnet18", 5)
    model.layer4[1].conv2 = nn.Conv2d(512, 512, 1, bias=False)
    with pytest.raises(InputError, match="this ResNet has other layers than any of theirs"):
        hydranet.hydrate(model)
