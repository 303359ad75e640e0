"""Attributions share one network between threads and leave it as it was, whatever happens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from explain_networks import picture, targets_of, tiny
from torch import nn

from hydranet.explain import Cancelled, ClassLogit, attribute, stem_maps
from hydranet.explain.methods import METHODS
from hydranet.explain.parts import private_clone
from hydranet.models import HydraNet

NAMES = [method.name for method in METHODS]
THREADS, CALLS = 8, 800
STEPS = {"integrated gradients": 4, "gradient × SmoothGrad": 4}


def traces(model: nn.Module) -> dict[str, Any]:
    """Everything that an attribution might leave behind on a network or on torch."""
    hooks = {
        (name, key): len(value)
        for name, part in model.named_modules()
        for key, value in vars(part).items()
        if key.endswith(("_hooks", "_hooks_with_kwargs", "_always_called"))
    }
    assert len(hooks) > 5 * len(list(model.modules()))  # torch still names them so
    return {
        "hooks": hooks,
        "modes": [part.training for part in model.modules()],
        "requires_grad": [p.requires_grad for p in model.parameters()],
        "gradients": [p.grad for p in model.parameters()],
        "statistics": [b.clone().tolist() for b in model.buffers()],
        "threads": torch.get_num_threads(),
        "grad_mode": torch.is_grad_enabled(),
        "attributes": [sorted(vars(part)) for part in model.modules()],
    }


def test_a_hook_would_be_seen() -> None:
    model = tiny()
    before = traces(model)
    handle = model.get_submodule("stem").register_forward_hook(lambda *_: None)
    assert traces(model) != before
    handle.remove()
    assert traces(model) == before


@pytest.fixture(params=["as loaded", "in training"])
def model(request: pytest.FixtureRequest) -> Iterator[HydraNet]:
    """It must be afterwards what it was before."""
    network = tiny()
    assert isinstance(network, HydraNet)
    if request.param == "in training":
        network.requires_grad_(True).train()
    before = traces(network)
    yield network
    assert traces(network) == before


@pytest.mark.parametrize("method", NAMES)
def test_eight_threads_share_one_network(method: str) -> None:
    model = tiny()
    before = traces(model)
    jobs = [
        (x, target, route)
        for x in (picture(seed, side=8) for seed in range(5))  # 50 images an occlusion
        for targets, route in [targets_of(model, x)]
        for target in targets
    ]

    def run(call: int) -> np.ndarray:
        x, target, route = jobs[call % len(jobs)]
        return attribute(model, x, target, method, route=route, steps=STEPS.get(method)).values

    alone = [run(call) for call in range(len(jobs))]
    together = threading.Barrier(THREADS)
    calls = CALLS // len(NAMES)
    with ThreadPoolExecutor(THREADS, initializer=lambda: together.wait(60) and None) as pool:
        found = list(pool.map(run, range(calls)))
    different = sum(
        not np.allclose(values, alone[call % len(jobs)], rtol=0, atol=1e-5)
        for call, values in enumerate(found)
    )
    assert (different, len(found)) == (0, calls)
    assert max(np.abs(alone[0] - values).max() for values in alone) > 1e-3  # they do differ
    assert traces(model) == before


@pytest.mark.parametrize("method", NAMES)
def test_nothing_is_left_behind(model: HydraNet, method: str) -> None:
    x = picture()
    for target in targets_of(tiny(), x)[0][:1]:
        attribute(model, x, target, method)
    assert not x.requires_grad
    with torch.inference_mode():
        attribute(model, picture(), ClassLogit(0), method)


@pytest.mark.parametrize("method", NAMES)
def test_nothing_is_left_behind_by_an_error(model: HydraNet, method: str) -> None:
    """Progress is told within the forward that Captum calls, with its hooks set."""

    def progress(_: float) -> None:
        raise ArithmeticError("in the page")

    with pytest.raises(ArithmeticError, match="in the page"):
        attribute(model, picture(), ClassLogit(0), method, progress=progress)


@pytest.mark.parametrize("method", NAMES)
def test_nothing_is_left_behind_by_a_cancel(model: HydraNet, method: str) -> None:
    told: list[float] = []
    with pytest.raises(Cancelled, match=f"{method} was cancelled after 0 of"):
        attribute(
            model, picture(), ClassLogit(0), method, cancelled=lambda: True, progress=told.append
        )
    assert told == []


@pytest.mark.parametrize("method", ["integrated gradients", "occlusion", "gradient × SmoothGrad"])
def test_a_cancel_is_heard_between_batches(method: str) -> None:
    steps = None if method == "occlusion" else 200
    told: list[float] = []
    with pytest.raises(Cancelled):
        attribute(
            tiny(), picture(), ClassLogit(0), method, steps=steps,
            progress=told.append, cancelled=lambda: len(told) == 3,
        )  # fmt: skip
    assert len(told) == 3
    assert told[-1] < 1


@pytest.mark.parametrize("method", NAMES)
def test_progress_rises_to_one(method: str) -> None:
    told: list[float] = []
    attribute(tiny(), picture(), ClassLogit(0), method, progress=told.append)
    assert told == sorted(told)
    assert 0 < told[0] <= told[-1] == 1
    expected = {"grad-cam": 1, "integrated gradients": 4, "gradient × SmoothGrad": 1}
    assert len(told) == expected.get(method, 9)  # 15 × 15 patches: 8 batches behind the image


def test_a_clone_shares_every_tensor_and_no_module() -> None:
    model = tiny()
    clone = private_clone(model)
    for mine, theirs in ((model.parameters, clone.parameters), (model.buffers, clone.buffers)):
        assert all(a is b for a, b in zip(mine(), theirs(), strict=True))
    assert not {id(m) for m in model.modules()} & {id(m) for m in clone.modules()}
    assert stem_maps(model, picture()).shape == (4, 8, 8)
