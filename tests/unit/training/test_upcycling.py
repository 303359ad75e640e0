"""Starting from a trained static network, for every family of HydraNets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hydranet.checkpoints import load
from hydranet.data import ImageSet
from hydranet.data.normalisation import Normalisation
from hydranet.errors import InputError
from hydranet.models import HydraNet, Network, StaticNetwork, build, create_model
from hydranet.training.run import class_features
from hydranet.training.upcycling import upcycle

RESIDUAL = {"widths": (4, 6, 8), "num_classes": 5, "image_size": 16}
DENSE = {"growth": 3, "channels": 4, "num_classes": 5, "image_size": 16}


def static(name: str, **shape: Any) -> Network:
    """With batch statistics of its own, in eval mode."""
    model = create_model(name, **shape)
    with torch.no_grad():
        model(torch.randn(32, 3, model.config.image_size, model.config.image_size))
    return model.eval()


def hydra(name: str, **shape: Any) -> HydraNet:
    model = create_model(name, **shape)
    assert isinstance(model, HydraNet)
    return model.eval()


@pytest.mark.parametrize("k", [1, 3, 6])
@pytest.mark.parametrize(
    ("name", "start"), [("hydra_dense_d2", "densenet10"), ("hydra_dense_d3", "densenet13")]
)
def test_a_hydra_dense_answers_as_the_densenet(name: str, start: str, k: int) -> None:
    trained = static(start, **DENSE)
    copy = hydra(name, num_branches=6, k=2, **DENSE)
    x = torch.randn(9, 3, 16, 16)
    with torch.no_grad():
        expected = trained(x)
        assert not torch.allclose(copy(x).logits, expected, atol=1e-2)
        upcycle(copy, trained)
        output = copy(x, k=k)
    torch.testing.assert_close(output.logits, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "start", "shape"),
    [("multihead_resnet", "resnet20", RESIDUAL), ("multihead_densenet", "densenet13", DENSE)],
)
def test_heads_share_a_trained_trunk_and_are_new(
    name: str, start: str, shape: dict[str, Any]
) -> None:
    trained, heads = static(start, **shape), hydra(name, **shape)
    assert isinstance(trained, StaticNetwork)
    before = {k: v.clone() for k, v in heads.branches.state_dict().items()}
    upcycle(heads, trained)
    x = torch.randn(3, 3, 16, 16)
    torch.testing.assert_close(heads.stem(x), trained.stem(x))
    assert all(torch.equal(before[k], v) for k, v in heads.branches.state_dict().items())
    first, second = (list(head.parameters()) for head in list(heads.branches)[:2])
    assert not torch.equal(first[-2], second[-2]), "each head is initialised on its own"
    ours = {p.data_ptr() for p in heads.parameters()}
    assert not ours & {p.data_ptr() for p in trained.parameters()}, "copied, not shared"


@pytest.mark.parametrize(
    ("name", "start", "changes", "sentence"),
    [
        ("hydra_dense_d2", "densenet13", DENSE, r"Hydra-Dense-d2 .* DenseNet-10 .* DenseNet-13"),
        ("hydra_dense_d2", "densenet10", {**DENSE, "growth": 4}, "of the same width"),
        ("hydra_dense_d2", "resnet14", RESIDUAL, "not from a ResNet-14"),
        ("multihead_densenet", "resnet20", RESIDUAL, "multi-head DenseNet-13 .* ResNet-20"),
        ("hydra_dense_d2", "hydra_dense_d2", DENSE, "can start from a DenseNet-10, not from a Hyd"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_copied(
    name: str, start: str, changes: dict[str, Any], sentence: str
) -> None:
    copy, other = hydra(name, **DENSE), create_model(start, **changes)
    before = {k: v.clone() for k, v in copy.state_dict().items()}
    with pytest.raises(InputError, match=sentence):
        upcycle(copy, other)
    assert all(torch.equal(before[k], v) for k, v in copy.state_dict().items())


@pytest.mark.parametrize("name", ["hydra_dense_d2", "densenet10"])
def test_other_classes_keep_an_output_layer_of_their_own(name: str) -> None:
    trained = static("densenet10", **{**DENSE, "num_classes": 6})
    assert isinstance(trained, StaticNetwork)
    copy = create_model(name, **DENSE)
    output = copy.combiner.output if isinstance(copy, HydraNet) else copy.head
    before = output.weight.clone()
    assert upcycle(copy, trained) == ("stem", "body")
    assert torch.equal(output.weight, before)
    bodies = [b.body for b in copy.branches] if isinstance(copy, HydraNet) else [copy.body]
    for ours, theirs in zip(bodies[-1].parameters(), trained.body.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_as_many_but_other_classes_are_other_classes(
    tmp_path: Path, make_checkpoint: Callable[..., Path]
) -> None:
    trained = load(make_checkpoint("mine", tmp_path, model="resnet8"))
    copy = build(trained.config)
    names = tuple(f"class {i}" for i in range(8))
    assert "output layer" in upcycle(copy, trained, class_names=names)
    assert upcycle(copy, trained, class_names=names[::-1]) == ("stem", "body")


def test_another_image_size_fits() -> None:
    """Weights do not depend on it."""
    copy = hydra("hydra_dense_d2", **DENSE)
    upcycle(copy, static("densenet10", **{**DENSE, "image_size": 24}))


def test_class_features_of_a_densenet(coloured: ImageSet) -> None:
    trained = static("densenet10", **{**DENSE, "num_classes": 3})
    assert isinstance(trained, StaticNetwork)
    normalisation = Normalisation((0.5,) * 3, (0.25,) * 3)
    found = class_features(trained, coloured, normalisation, batch_size=50)
    assert found.shape == (3, 4 + 3 * 2 * 3)
    images = normalisation.apply(torch.from_numpy(coloured.images).permute(0, 3, 1, 2))
    with torch.no_grad():
        features = trained.features(images).numpy()
    np.testing.assert_allclose(found[1], features[coloured.labels == 1].mean(axis=0), atol=1e-5)
