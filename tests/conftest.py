"""Fixtures that tests of several folders share. They make their own data; nothing is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest

from hydranet.checkpoints import encode_weights, write_checkpoint
from hydranet.checkpoints.card import Card, DataNote, Provenance
from hydranet.config import ArchitectureConfig, DynamicConfig
from hydranet.data.normalisation import Normalisation
from hydranet.evaluation.class_features import ClassFeatures
from hydranet.evaluation.metrics import Metrics
from hydranet.evaluation.route_log import RouteLog
from hydranet.models import build
from hydranet.registry import model_config
from hydranet.routing.arrays import choose
from hydranet.training.history import EpochRecord
from hydranet.training.recipe import Recipe

IMAGES = 24


def tiny(model: str) -> dict[str, Any]:
    """Fields that make a registered network tiny: 8 classes, 4 branches of which 2 run."""
    config = model_config(model)
    narrow: dict[str, Any]
    if hasattr(config, "growth"):
        narrow = {"growth": 2, "channels": 3}
    elif hasattr(config, "dim"):
        narrow = {"dim": 6, "heads": 2, "depth": 2}
    else:
        narrow = {"widths": (4, 4, 8, 8)[: config.num_widths]}
    branches = {"num_branches": 4, "k": 2} if config.is_dynamic else {}
    return {"num_classes": 8, "image_size": 16, **narrow, **branches}


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Engines keep their graphs in a folder of the tests', not in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYDRANET_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


class MakeCheckpoint(Protocol):
    def __call__(
        self, name: str, root: Path, *, model: str | ArchitectureConfig = ...,
        shape: dict[str, Any] | None = ..., **changes: Any,
    ) -> Path: ...  # fmt: skip


@pytest.fixture(scope="session")
def make_checkpoint() -> MakeCheckpoint:
    """Write a tiny checkpoint with random weights through the real API, and return its folder.

    `model`: a registered name, or a whole configuration; `shape`: fields of a registered one, tiny
    unless given ({} for the registered size); `changes`: fields of the card, such as
    `test=Metrics(…)`.
    """

    def make(
        name: str, root: Path, *, model: str | ArchitectureConfig = "hydra_res_d1",
        shape: dict[str, Any] | None = None, **changes: Any,
    ) -> Path:  # fmt: skip
        if isinstance(model, ArchitectureConfig):
            config = model
        else:
            config = model_config(model, **(tiny(model) if shape is None else shape))
        weights, digest = encode_weights(build(config))
        card = Card(**{**_card_fields(name, config), "weights_sha256": digest, **changes})
        return write_checkpoint(
            root, card=card, weights=weights, routes=_routes(config),
            class_features=_class_features(config),
        )  # fmt: skip

    return make


def _card_fields(name: str, config: ArchitectureConfig) -> dict[str, Any]:
    classes = config.num_classes
    branches = config.num_branches if isinstance(config, DynamicConfig) else 0
    return {
        "name": name,
        "architecture": config,
        "class_names": tuple(f"class {i}" for i in range(classes)),
        "subtask_of_class": (
            tuple(c % branches for c in range(classes)) if config.has_subtasks else None
        ),
        "normalisation": Normalisation((0.5, 0.5, 0.5), (0.25, 0.25, 0.25)),
        "data": DataNote(
            name="tiny", train_images=80, validation_images=16, test_images=IMAGES,
            train_sha256="0" * 64, test_sha256="1" * 64,
        ),
        "test": _metrics(config, IMAGES, 40.0),
        "validation": _metrics(config, 16, 42.0),
        "recipe": Recipe(epochs=2, validation_images=16),
        "history": tuple(
            EpochRecord(
                epoch=e, loss=3.0 - e, train_top1=30.0 + 5 * e, validation_top1=32.0 + 5 * e,
                learning_rate=0.1, images_per_second=100.0, seconds=1.0,
            )
            for e in (0, 1)
        ),
        "provenance": Provenance(
            created="2026-01-01", hardware="a test", threads=1, versions={"python": "3.11"},
            seconds=2.0,
        ),
    }  # fmt: skip


def _metrics(config: ArchitectureConfig, images: int, top1: float) -> Metrics:
    """`top1` at the default k, up to a point less or more for each branch less or more."""
    if not isinstance(config, DynamicConfig):
        return Metrics(images=images, top1=top1, top5=top1 + 30)
    point = min(1.0, 20 / config.num_branches)
    steps = [point * (k - config.k) for k in range(1, config.num_branches + 1)]
    return Metrics(
        images=images, top1=top1, top5=top1 + 30,
        top1_by_k=[top1 + s for s in steps],
        top5_by_k=[top1 + 30 + s for s in steps],
        hit_rate_by_k=(
            [100 * k / len(steps) for k in range(1, len(steps) + 1)] if config.has_subtasks else []
        ),
        branch_load=[config.k / len(steps)] * len(steps),
    )  # fmt: skip


def _routes(config: ArchitectureConfig) -> RouteLog:
    rng = np.random.default_rng(0)
    label = np.arange(IMAGES, dtype=np.int32) % config.num_classes
    prediction = rng.integers(0, config.num_classes, IMAGES).astype(np.int32)
    confidence = rng.uniform(0.2, 1, IMAGES).astype(np.float16)
    if not isinstance(config, DynamicConfig):
        return RouteLog(label, prediction, confidence)
    scores = rng.normal(size=(IMAGES, config.num_branches)).astype(np.float16)
    if not config.has_gate:
        scores[:] = 0
    if config.policy.in_a_row:
        scores = rng.random(scores.shape).astype(np.float16)
        scores[:, 0] = 1
    correct = rng.random((IMAGES, config.num_branches)) < 0.4
    fired, _ = choose(
        scores.astype(np.float32), k=config.k, threshold=config.threshold, policy=config.policy
    )
    correct[np.arange(IMAGES), (fired >= 0).sum(axis=1) - 1] = prediction == label
    fired = fired.astype(np.int16)
    better = {}
    if config.has_subtasks:
        shape = correct.shape
        better = {
            "correct_with_subtask": correct | (rng.random(shape) < 0.1),
            "correct_subtask_first": correct | (rng.random(shape) < 0.3),
        }
    return RouteLog(label, prediction, confidence, scores, fired, correct, **better)


def _class_features(config: ArchitectureConfig) -> ClassFeatures:
    images = np.bincount(np.arange(IMAGES) % config.num_classes, minlength=config.num_classes)
    mean = np.random.default_rng(1).normal(size=(config.num_classes, 6)).astype(np.float32)
    return ClassFeatures(images.astype(np.int32), mean)
