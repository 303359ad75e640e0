"""Stability strips: what the dials do to a picture, and how a change is told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from hydranet.checkpoints import load
from hydranet.errors import InputError
from hydranet.explain import DIALS, stability
from hydranet.models import HydraNet, Network, create_model
from hydranet.prediction import network_input, predict

NAMES = [dial.name for dial in DIALS]


@pytest.fixture
def hydra(tmp_path: Path, make_checkpoint: Any) -> HydraNet:
    """Its gate is made sharp, so that it does choose differently from picture to picture."""
    model = load(make_checkpoint("hydra", tmp_path))
    assert isinstance(model, HydraNet)
    model.gate.score.weight.mul_(20)
    model.combiner.output.weight.mul_(20)
    return model


@pytest.fixture
def static(tmp_path: Path, make_checkpoint: Any) -> Network:
    return load(make_checkpoint("static", tmp_path, model="resnet8"))


@pytest.fixture
def photo() -> Image.Image:
    """60 × 40: coarse random colours."""
    colours = np.random.default_rng(3).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    return Image.fromarray(np.kron(colours, np.ones((5, 5, 1), np.uint8)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", [{}, {"k": 1}, {"k": 3, "threshold": 0.3}])
def test_a_strip_against_the_forward_of_each_setting(
    hydra: HydraNet, photo: Image.Image, name: str, options: dict[str, Any]
) -> None:
    assert hydra.card is not None
    strip = stability(hydra, photo, name, **options)
    count = len(strip.settings)
    assert 13 <= count <= 17
    assert strip.pixels.shape == (count, 16, 16, 3)
    with torch.no_grad():
        _, x = network_input(hydra.card, photo)
        own = hydra(x, **options)
        answer = int(own.logits.argmax())
        assert strip.answer == answer
        for i, pixels in enumerate(strip.pixels):
            _, x = network_input(hydra.card, pixels)
            free, held = hydra(x, **options), hydra(x, route=own.route)
            counted = int(free.route.counts[0])
            assert strip.fired[i] == tuple(free.route.indices[0, :counted].tolist())
            assert strip.answers[i] == int(free.logits.argmax())
            p, q = free.logits[0].softmax(0)[answer], held.logits[0].softmax(0)[answer]
            assert strip.probabilities[i] == pytest.approx(float(p), abs=1e-5)
            assert strip.held[i] == pytest.approx(float(q), abs=1e-5)
    change = strip.probabilities - strip.probabilities[strip.neutral]
    np.testing.assert_allclose(strip.by_pixels + strip.by_route, change, atol=1e-6)
    assert np.abs(strip.by_pixels).max() > 1e-4
    assert strip.by_pixels[strip.neutral] == pytest.approx(0, abs=1e-6)
    assert strip.by_route[strip.neutral] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_neutral_setting_is_the_picture_itself(
    hydra: HydraNet, photo: Image.Image, name: str
) -> None:
    strip = stability(hydra, photo, name)
    own = predict(hydra, [photo], runs=1)[0]
    assert np.array_equal(strip.pixels[strip.neutral], own.pixels)
    assert strip.fired[strip.neutral] == own.fired
    assert len({pixels.tobytes() for pixels in strip.pixels}) == len(strip.settings)
    far = np.abs(strip.pixels.astype(int) - own.pixels).mean(axis=(1, 2, 3))
    assert far[strip.neutral] == 0
    assert far.max() > 4


def test_a_change_is_named_by_the_nearest_setting(hydra: HydraNet, photo: Image.Image) -> None:
    changes = 0
    for name in NAMES:
        strip = stability(hydra, photo, name)
        own, distance = (
            strip.neutral,
            {s: abs(i - strip.neutral) for i, s in enumerate(strip.settings)},
        )
        for at, changed in (
            (strip.route_changes_at, [set(f) != set(strip.fired[own]) for f in strip.fired]),
            (strip.answer_changes_at, [a != strip.answer for a in strip.answers]),
        ):
            if at is None:
                assert not any(changed)
                continue
            changes += 1
            assert changed[strip.settings.index(at)]
            nearer = [
                c
                for s, c in zip(strip.settings, changed, strict=True)
                if distance[s] < distance[at]
            ]
            assert not any(nearer)
    assert changes


def test_what_the_dials_do() -> None:
    """On a picture whose left half is dark and whose right half is bright, with a red centre."""
    pixels = np.full((64, 64, 3), 40, np.uint8)
    pixels[:, 32:] = 120
    pixels[24:40, 24:40] = (200, 0, 0)
    picture = Image.fromarray(pixels)
    dials = {dial.name: dial for dial in DIALS}

    def seen(name: str, setting: float, **options: int) -> np.ndarray:
        return dials[name].turned(picture, setting, side=16, **options).astype(float)

    plain = seen("blur", 0)
    assert abs(np.diff(seen("blur", 2), axis=1)).max() < abs(np.diff(plain, axis=1)).max() / 2
    np.testing.assert_allclose(seen("brightness", 0.5), plain / 2, atol=1)
    red = [(seen("crop", kept)[..., 0] > 160).mean() for kept in (1.0, 0.7, 0.4)]
    assert red[0] < red[1] < red[2]
    quarter = seen("rotation", 90.0)  # counter-clockwise: what was on the right is at the top
    assert quarter[1, 8, 1] > 110 > 50 > quarter[14, 8, 1]
    corner = seen("rotation", 45.0)[0, 0]
    assert corner.min() > 30  # mirrored, not black
    assert np.std(seen("noise", 20.0) - plain) == pytest.approx(20, rel=0.15)
    assert np.array_equal(seen("noise", 8.0, seed=1), seen("noise", 8.0, seed=1))
    assert not np.array_equal(seen("noise", 8.0, seed=1), seen("noise", 8.0, seed=2))


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (900, 700)])
def test_pictures_of_any_size(hydra: HydraNet, size: tuple[int, int]) -> None:
    for name in NAMES:
        assert stability(hydra, Image.new("RGB", size, "teal"), name).pixels.shape[1:] == (
            16,
            16,
            3,
        )


def test_a_static_network_changes_by_pixels_alone(static: Network, photo: Image.Image) -> None:
    strip = stability(static, np.asarray(photo), "blur")
    assert strip.fired == ((),) * len(strip.settings)
    assert not strip.by_route.any()
    assert strip.route_changes_at is None


def test_refusals(hydra: HydraNet, static: Network, photo: Image.Image) -> None:
    with pytest.raises(InputError, match=r"no dial 'hue'.*blur, noise, brightness, crop, rotation"):
        stability(hydra, photo, "hue")
    with pytest.raises(InputError, match="k must be from 1 to 4"):
        stability(hydra, photo, "blur", k=5)
    with pytest.raises(InputError, match="static network has no k"):
        stability(static, photo, "blur", k=1)
    with pytest.raises(InputError, match="has no card"):
        stability(create_model("resnet8"), photo, "blur")
