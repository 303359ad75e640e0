"""Data sets and settings that the unit tests share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from hydranet.data import ImageSet


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny networks are fastest on one thread, and sums come out in one order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def coloured() -> ImageSet:
    """3 classes × 40 images of 16×16: noise around a colour of the class's own."""
    rng = np.random.default_rng(0)
    colours = np.array([[200, 60, 60], [60, 200, 60], [60, 60, 200]])
    labels = np.repeat(np.arange(3), 40)
    rng.shuffle(labels)
    noise = rng.integers(-50, 50, (120, 16, 16, 3))
    images = (colours[labels][:, None, None, :] + noise).astype(np.uint8)
    return ImageSet("coloured", images, labels, ("red", "green", "blue"))
