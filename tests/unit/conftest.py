"""Data sets and settings that the unit tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from engine_checks import Stored, narrow, store_with_statistics
from shell import Shell

from hydranet.checkpoints import Checkpoint, find_checkpoint
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


@pytest.fixture
def stored(tmp_path: Path, make_checkpoint: Any) -> Stored:
    """Writes a registered network, narrow unless changed, with batch norms in use."""

    def store(name: str, **changes: Any) -> Checkpoint:
        shape = {**narrow(name), **changes}
        folder = make_checkpoint(f"stored_{name}", tmp_path, model=name, shape=shape)
        return store_with_statistics(find_checkpoint(folder))

    return store


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Shell:
    return Shell(monkeypatch, capsys)
