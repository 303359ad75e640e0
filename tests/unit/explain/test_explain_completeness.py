"""Integrated gradients add up on the network that is shipped, with the route held."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from hydranet.checkpoints import CHECKPOINTS, load
from hydranet.explain import ClassLogit, attribute
from hydranet.intake.images import read_image
from hydranet.prediction import network_input

SAMPLES = CHECKPOINTS.parent / "app" / "samples"
IMAGES, STEPS = 50, 64


def random_crops() -> list[Image.Image]:
    """Squares of 64 pixels and more out of the sample photos."""
    rng = np.random.default_rng(0)
    photos = [read_image(path) for path in sorted(SAMPLES.glob("*.jpg"))]
    crops = []
    for i in range(IMAGES):
        photo = photos[i % len(photos)]
        side = int(rng.integers(64, min(photo.size) + 1))
        left, top = (int(rng.integers(0, length - side + 1)) for length in photo.size)
        crops.append(photo.crop((left, top, left + side, top + side)))
    return crops


@pytest.mark.skipif(
    not (CHECKPOINTS / "hydra_res_d1").is_dir() or not SAMPLES.is_dir(),
    reason="needs the shipped checkpoint and photos",
)
def test_the_median_relative_delta_is_below_one_per_cent() -> None:
    model = load("hydra_res_d1")
    assert model.card is not None
    deltas = []
    for crop in random_crops():
        _, x = network_input(model.card, crop)
        with torch.no_grad():
            answer = int(model(x).logits.argmax())
        found = attribute(model, x, ClassLogit(answer), "integrated gradients", steps=STEPS)
        deltas.append(found.relative_delta)
    print(f"relative delta, median of {len(deltas)}: {100 * np.median(deltas):.2f} %")
    assert np.median(deltas) < 0.01
