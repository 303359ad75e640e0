"""Predictions: what a network made of one image adds up, and is what the network itself says."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from hydranet.checkpoints import load
from hydranet.errors import InputError
from hydranet.explain import stability
from hydranet.intake.images import decode_image
from hydranet.models import HydraNet, Network, create_model
from hydranet.prediction import network_input, predict

N, K, CLASSES = 4, 2, 8


@pytest.fixture
def hydra(tmp_path: Path, make_checkpoint: Any) -> HydraNet:
    model = load(make_checkpoint("hydra", tmp_path))
    assert isinstance(model, HydraNet)
    return model


@pytest.fixture
def static(tmp_path: Path, make_checkpoint: Any) -> Network:
    return load(make_checkpoint("static", tmp_path, model="resnet8"))


@pytest.fixture
def pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (16, 16, 3), dtype=np.uint8) for _ in range(3)]


@pytest.mark.parametrize("k", [None, *range(1, N + 1)])
def test_a_prediction_of_a_hydranet(
    hydra: HydraNet, pictures: list[np.ndarray], k: int | None
) -> None:
    assert hydra.card is not None
    fired = K if k is None else k
    for picture, found in zip(pictures, predict(hydra, pictures, k=k, runs=1), strict=True):
        _, x = network_input(hydra.card, picture)
        with torch.no_grad():
            expected = hydra(x, k=fired, execution="reference")
        np.testing.assert_allclose(found.logits, expected.logits[0], atol=1e-4)
        np.testing.assert_allclose(found.gate_scores, expected.gate_scores[0], atol=1e-5)
        assert found.fired == tuple(expected.route.indices[0].tolist())
        np.testing.assert_allclose(found.weights, expected.route.weights[0], atol=1e-5)
        assert len(found.fired) == len(set(found.fired)) == fired
        assert found.macs == hydra.card.costs.macs(fired)
        assert found.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert found.gate_confidence.sum() == pytest.approx(1, abs=1e-5)
        assert found.shares.shape == (fired, CLASSES)
        bias = hydra.combiner.output.bias.numpy()
        np.testing.assert_allclose(found.shares.sum(axis=0) + bias, found.logits, atol=1e-4)
        assert np.array_equal(found.pixels, picture)


def test_top_five_are_in_order(hydra: HydraNet, pictures: list[np.ndarray]) -> None:
    found = predict(hydra, pictures[:1], runs=1)[0]
    order = sorted(range(CLASSES), key=lambda c: -found.probabilities[c])
    assert [c for c, _ in found.top()] == order[:5]
    assert [p for _, p in found.top()] == [float(found.probabilities[c]) for c in order[:5]]
    assert len(found.top(100)) == CLASSES


def test_a_share_is_what_its_branch_adds(hydra: HydraNet, pictures: list[np.ndarray]) -> None:
    """Against the branch run alone, outside of any execution."""
    assert hydra.card is not None
    found = predict(hydra, pictures[:1], runs=1)[0]
    _, x = network_input(hydra.card, pictures[0])
    with torch.no_grad():
        stem_features = hydra.stem(x)
        for row, (branch, weight) in enumerate(zip(found.fired, found.weights, strict=True)):
            features = hydra.branches[branch](stem_features)[0] * weight
            expected = hydra.combiner.output.weight @ features
            np.testing.assert_allclose(found.shares[row], expected, atol=1e-4)


@pytest.mark.parametrize("branches", [[3], [0, 2], [2, 0, 2], [0, 1, 2, 3]])
def test_given_branches_fire(
    hydra: HydraNet, pictures: list[np.ndarray], branches: list[int]
) -> None:
    found = predict(hydra, pictures[:1], branches=branches, runs=1)[0]
    assert hydra.card is not None
    assert sorted(found.fired) == sorted(set(branches))
    scores = found.gate_scores[list(found.fired)]
    assert list(scores) == sorted(scores, reverse=True)
    expected = np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(found.weights, expected, atol=1e-5)
    assert found.macs == hydra.card.costs.macs(len(set(branches)))


def test_the_gates_own_branches_given_change_nothing(
    hydra: HydraNet, pictures: list[np.ndarray]
) -> None:
    free = predict(hydra, pictures[:1], runs=1)[0]
    held = predict(hydra, pictures[:1], branches=free.fired, runs=1)[0]
    np.testing.assert_allclose(held.logits, free.logits, atol=1e-5)


def test_a_prediction_of_a_static_network(static: Network, pictures: list[np.ndarray]) -> None:
    assert static.card is not None
    found = predict(static, pictures[:1], runs=1)[0]
    _, x = network_input(static.card, pictures[0])
    np.testing.assert_allclose(found.logits, static(x)[0], atol=1e-4)
    assert found.macs == static.card.costs.routed_macs
    assert (found.fired, found.weights) == ((), ())
    assert len(found.gate_scores) == len(found.gate_confidence) == 0
    assert found.shares.shape == (0, CLASSES)


def test_a_picture_of_any_size_as_pillow_or_numpy(
    hydra: HydraNet, pictures: list[np.ndarray]
) -> None:
    big = np.kron(pictures[0], np.ones((5, 7, 1), np.uint8))
    both = predict(hydra, [big, Image.fromarray(big)], runs=1)
    assert both[0].pixels.shape == (16, 16, 3)
    assert np.array_equal(both[0].logits, both[1].logits)


def test_timing(static: Network, pictures: list[np.ndarray]) -> None:
    timing = predict(static, pictures[:1], runs=4)[0].timing
    assert 0 < timing.fastest <= timing.median <= timing.slowest
    assert timing.runs == 4


def test_no_image(static: Network) -> None:
    assert predict(static, []) == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"k": 0}, "from 1 to 4.*not 0"),
        ({"k": 5}, "from 1 to 4.*not 5"),
        ({"branches": [1, 4]}, "from 0 to 3, not 4"),
        ({"branches": [-1]}, "from 0 to 3, not -1"),
        ({"branches": []}, "At least one branch"),
        ({"branches": [1.5]}, "from 0 to 3, not 1.5"),
        ({"k": 2.5}, "from 1 to 4.*not 2.5"),
        ({"threshold": 0.1, "branches": [1]}, "either k and a threshold or branches"),
        ({"k": 2, "branches": [1]}, "either k and a threshold or branches"),
        ({"runs": 0}, "runs must be at least 1, not 0"),
    ],
)
def test_what_a_hydranet_refuses(
    hydra: HydraNet, pictures: list[np.ndarray], options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        predict(hydra, pictures[:1], **options)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "I;16"])
def test_a_picture_of_any_mode_is_seen_as_its_file_is(hydra: HydraNet, mode: str) -> None:
    draw = np.random.default_rng(0)
    if mode == "I;16":
        picture = Image.fromarray(draw.integers(0, 2**16, (16, 16), dtype=np.uint16))
    else:
        colours = draw.integers(0, 256, (16, 16, 4), dtype=np.uint8)
        picture = Image.fromarray(colours, "RGBA").convert("RGB" if mode == "CMYK" else "RGBA")
        picture = picture.convert("RGB").convert(mode) if mode != "RGBA" else picture
    kind = {"CMYK": "JPEG", "YCbCr": "JPEG"}.get(mode, "PNG")
    file = io.BytesIO()
    picture.save(file, kind, **({"quality": 100, "subsampling": 0} if kind == "JPEG" else {}))
    assert hydra.card is not None
    pixels, _ = network_input(hydra.card, picture)
    expected = np.asarray(decode_image(file.getvalue()))
    np.testing.assert_allclose(pixels, expected, atol=0 if kind == "PNG" else 12)
    assert picture.mode == mode, "the caller's picture stays"
    answers = predict(hydra, [picture, Image.fromarray(pixels)], runs=1)
    np.testing.assert_array_equal(answers[0].logits, answers[1].logits)


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        ("photo.jpg", "not an object of type str.*read_image"),
        (np.zeros((3, 16, 16), np.uint8), r"not an array \(3, 16, 16\) of uint8"),
        (np.zeros((16, 16, 3)), r"not an array \(16, 16, 3\) of float64"),
        (np.zeros((0, 16, 3), np.uint8), "must have a pixel"),
        (Image.new("F", (16, 16)), "not F"),
    ],
)
def test_what_is_no_picture(hydra: HydraNet, image: Any, sentence: str) -> None:
    assert hydra.card is not None
    with pytest.raises(InputError, match=sentence):
        predict(hydra, [image], runs=1)
    with pytest.raises(InputError, match=sentence):
        network_input(hydra.card, image)
    with pytest.raises(InputError, match=sentence):
        stability(hydra, image, "blur")


@pytest.mark.parametrize("options", [{"k": 1}, {"branches": [0]}])
def test_a_static_network_has_no_k(
    static: Network, pictures: list[np.ndarray], options: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match="static is a static network"):
        predict(static, pictures[:1], **options)


def test_a_network_without_a_card(pictures: list[np.ndarray]) -> None:
    with pytest.raises(InputError, match=r"load it from a checkpoint with hydranet\.load"):
        predict(create_model("resnet8"), pictures[:1])
