"""Steps recorded as a CUDA graph train as ordinary steps do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from hydranet.config import HydraResConfig, ResNetConfig
from hydranet.data import ImageSet
from hydranet.data.batches import Batch, Batches
from hydranet.data.normalisation import Normalisation
from hydranet.models import build
from hydranet.training import loop, recorded
from hydranet.training.history import EpochRecord
from hydranet.training.loop import fit
from hydranet.training.recipe import Recipe
from hydranet.training.recorded import Recording, can_record

SHAPE: dict[str, Any] = {"widths": (8, 8, 8), "num_classes": 4, "image_size": 16}
STATIC = ResNetConfig(n=1, **SHAPE)
HYDRA = HydraResConfig(d=1, num_branches=4, k=2, **SHAPE)
RECIPE = Recipe(
    epochs=3, batch_size=64, learning_rate=0.05, precision="float32", compile="off",
    execution="buckets",
)  # fmt: skip
CPU = torch.device("cpu")


def trained(config: Any, recipe: Recipe, device: torch.device) -> list[EpochRecord]:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 640)
    pixels = rng.integers(0, 128, (640, 16, 16, 3)) + 30 * labels[:, None, None, None]
    images = ImageSet("made", pixels.astype(np.uint8), labels, tuple("abcd"))
    batches = Batches(images, Normalisation((0.5,) * 3, (0.25,) * 3), device=device)
    subtasks = torch.arange(4, device=device) if isinstance(config, HydraResConfig) else None
    model = build(config).to(device)
    return fit(model, batches, batches, recipe=recipe, subtask_of_class=subtasks)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("warmup", [0, 1])
@pytest.mark.parametrize("config", [STATIC, HYDRA], ids=["static", "hydra"])
def test_recorded_on_a_gpu(monkeypatch: pytest.MonkeyPatch, config: Any, warmup: int) -> None:
    """`warmup`: epochs with all branches, after which something else has to be recorded."""
    recipe = replace(RECIPE, warmup_all_branches=warmup, freeze_trunk=warmup)
    device = torch.device("cuda")
    replayed = trained(config, recipe, device)
    monkeypatch.setattr(loop, "can_record", lambda *_, **__: False)
    ordinary = trained(config, recipe, device)
    assert [r.loss for r in replayed] == pytest.approx([r.loss for r in ordinary], abs=1e-2)
    assert replayed[-1].loss < replayed[0].loss


class _Graph:
    """Stands in for a CUDA graph: a replay runs the function that was recorded."""

    def __init__(self) -> None:
        self.replay: Any = None


def test_what_is_recorded_sees_each_batch_and_is_recorded_anew_when_something_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a stand-in for the graph: inputs are copied into the recorded ones, results stay."""
    recordings: list[Any] = []

    def record(self: Recording, function: Any, batch: Batch) -> None:
        self._inputs = (*(part.clone() for part in batch), torch.zeros(()))
        self._found = torch.zeros(2)
        graph = _Graph()
        graph.replay = lambda: self._found.copy_(
            function(Batch(*self._inputs[:-1]), self._inputs[-1])
        )
        self._graph = graph  # type: ignore[assignment]
        recordings.append(graph)

    monkeypatch.setattr(Recording, "_record", record)
    monkeypatch.setattr(
        Recording, "_warm_up", lambda self, function, batch, done: function(batch, done)
    )

    def total(batch: Batch, done: Any) -> torch.Tensor:
        return torch.stack([batch.images.sum(), torch.as_tensor(done, dtype=torch.float32)])

    recording = Recording()
    for step in range(recorded.WARM_UP + 3):
        images = torch.full((2, 3, 4, 4), float(step))
        batch = Batch(images, torch.zeros(2), torch.zeros(2), torch.ones(2))
        found = recording(total, batch, step / 10, "one")
        assert found.tolist() == pytest.approx([96.0 * step, step / 10])
    assert len(recordings) == 1
    for _ in range(recorded.WARM_UP + 1):
        recording(total, batch, 0.0, "another")
    assert len(recordings) == 2


def test_what_can_be_recorded() -> None:
    gpu = torch.device("cuda")
    assert can_record(gpu, processes=1, execution=None)
    assert can_record(gpu, processes=1, execution="buckets")
    assert not can_record(gpu, processes=1, execution="fired")
    assert not can_record(gpu, processes=1, execution="all")
    assert not can_record(gpu, processes=2, execution=None)
    assert not can_record(CPU, processes=1, execution="buckets")
