"""Many users at once on shared networks get what each would get alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from app import explanations, services
from app.cores.kept import Kept
from app.inspection import Inspection, inspect
from app.intake import Intake
from hydranet import load, predict
from hydranet.checkpoints import Checkpoint, list_checkpoints
from hydranet.explain.targets import ClassLogit
from hydranet.routing.switchboard import Switchboard
from hydranet.timing import measure

THREADS, CALLS = 8, 200
MODELS = {"hydra": "hydra_res_d1", "static": "resnet8", "heads": "multihead_resnet"}
IMAGES = 6
METHODS = ("grad-cam", "integrated gradients")

Call = tuple[str, str, int, int]
"""What is asked (predict, change k, attribute or measure), of which network, on which image, and
with which k; for an attribution, by which method."""


class Users:
    """Makes any call through the core or through what the pages use."""

    def __init__(self, root: Path) -> None:
        self.checkpoints = {one.name: one for one in list_checkpoints(root)[0]}
        self.networks = {name: load(name, root) for name in self.checkpoints}
        draw = np.random.default_rng(0)
        self.pixels = draw.integers(0, 256, (IMAGES, 20, 24, 3), dtype=np.uint8)

    def intake(self, image: int) -> Intake:
        return Intake(f"{image}.png", f"{image:064}", Image.fromarray(self.pixels[image]))

    def inspection(self, checkpoint: Checkpoint, image: int, k: int) -> Inspection:
        branches = checkpoint.card.costs.num_branches
        return inspect(checkpoint, self.intake(image), Switchboard(k=k) if branches else None)

    def answer(self, call: Call) -> list[Any]:
        """Everything that came of a call but the time that it took."""
        kind, name, image, number = call
        checkpoint = self.checkpoints[name]
        k = number if checkpoint.card.costs.num_branches else None
        if kind == "predict":
            (found,) = predict(self.networks[name], [self.pixels[image]], k=k, runs=1)
            return [found.logits, found.gate_scores, found.fired, found.weights, found.macs]
        if kind == "change k":
            seen = self.inspection(checkpoint, image, number)
            return [seen.found.logits, seen.found.fired, seen.found.shares, seen.pixels]
        if kind == "attribute":
            seen = self.inspection(checkpoint, image, 2)
            method = METHODS[number % len(METHODS)]
            (map_,) = explanations.explain(seen, [ClassLogit(seen.found.best)], method)
            return [map_.values, map_.score]
        timed = measure(services.engine(checkpoint), batch=number, runs=1)
        return [timed.checkpoint, timed.batch, timed.k, timed.branches_run]


@pytest.fixture
def users(
    tmp_path: Path, make_checkpoint: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> Users:
    """Little is kept, so that almost every call computes."""
    for name, model in MODELS.items():
        make_checkpoint(name, tmp_path, model=model)
    monkeypatch.setattr(services, "_EXAMINED", Kept(2))
    monkeypatch.setattr(services, "_ANSWERED", Kept(2))
    monkeypatch.setattr(explanations, "_KEPT", Kept(2))
    torch.set_num_threads(1)
    return Users(tmp_path)


def every_call() -> list[Call]:
    kinds = ("predict", "change k", "attribute", "measure")
    return [
        (kind, name, image, number)
        for kind in kinds for name in MODELS for image in range(IMAGES) for number in (1, 2, 4)
    ]  # fmt: skip


def test_every_answer_is_that_of_a_user_alone(users: Users) -> None:
    calls = every_call()
    alone = {call: users.answer(call) for call in calls}

    def visit(user: int) -> list[Call]:
        """The calls of one user that were answered otherwise."""
        draw = random.Random(user)
        mine = [draw.choice(calls) for _ in range(CALLS)]
        return [call for call in mine if not same(users.answer(call), alone[call])]

    with ThreadPoolExecutor(THREADS) as pool:
        wrong = [call for found in pool.map(visit, range(THREADS)) for call in found]
    assert not wrong


def same(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(map(np.array_equal, one, other))


def test_another_answer_would_be_seen(users: Users) -> None:
    """Else the test above would pass whatever threads do to each other."""
    one, other = ("change k", "hydra", 0, 1), ("change k", "hydra", 1, 1)
    assert same(users.answer(one), users.answer(one))
    assert not same(users.answer(one), users.answer(other))
