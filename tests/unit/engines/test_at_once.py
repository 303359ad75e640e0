"""A network as one recorded function: the same answers, and nothing asked of the host within."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from engine_checks import FAMILIES, Stored, assert_same, given_routes, noise, second_confidence
from numpy.typing import NDArray
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from hydranet.bench.opening import kernels_of, open_variant
from hydranet.checkpoints import load_model
from hydranet.engines import choose_engine
from hydranet.engines.cuda import CudaEngine
from hydranet.engines.folded import at_once, exchange
from hydranet.engines.folded.branches import (
    AUTO,
    WAYS,
    WITHOUT_HOST,
    FoldedBranches,
    fastest_on_gpu,
)
from hydranet.engines.folded.buckets import in_buckets, larger_capacity, likely_capacity
from hydranet.engines.folded.graphs import Kept
from hydranet.engines.folded.layers import Kernels
from hydranet.engines.reference import reference_engine
from hydranet.errors import InputError
from hydranet.models import Network
from hydranet.routing.arrays import PADDING, check_choice, choose
from hydranet.routing.device_routes import best_scored

ASKS_THE_HOST = (
    "_local_scalar_dense",
    "nonzero",
    "masked_select",
    "lift_fresh",
    "unique",
    "equal.",
)
"""Beginnings of operations that wait for the device, or bring numbers to it."""


class NoHost(TorchDispatchMode):
    """Refuses what could not be recorded."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = str(func).removeprefix("aten.")
        assert not name.startswith(ASKS_THE_HOST), name
        if name.startswith("index") and isinstance(args[1], list):
            assert all(index.dtype != torch.bool for index in args[1] if index is not None), name
        return func(*args, **(kwargs or {}))


@pytest.fixture
def network(stored: Stored) -> Callable[..., Network]:
    """A registered network, narrow, loaded: see `engine_checks`."""
    return lambda name, **changes: load_model(stored(name, **changes))


def uneven(images: int, branches: int) -> NDArray[np.int64]:
    """(B, 2): every image fires the last branch, and most of them another, named in front."""
    others = np.arange(images) % branches
    others[others == branches - 1] = PADDING
    return np.stack([others, np.full(images, branches - 1)], axis=1)


@pytest.mark.parametrize("way", [*WITHOUT_HOST, AUTO])
@pytest.mark.parametrize("name", ["resnet14", *FAMILIES])
def test_nothing_is_asked_of_the_host(
    name: str, way: str, network: Callable[..., Network], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = CudaEngine(network(name), way=way, device="cpu")
    plain = exchange.Exchange._packed

    def watched(one: exchange.Exchange) -> tuple[Tensor, ...]:
        with NoHost():
            return plain(one)

    engine.run(noise(3))  # what is made once is made before the recording
    monkeypatch.setattr(exchange.Exchange, "_packed", watched)
    engine.run(noise(5))
    if name in FAMILIES:
        engine.run(noise(5), threshold=0.1)
        engine.run(noise(5), fired=given_routes(5, engine.card.costs.num_branches))


@pytest.mark.parametrize(
    "kernels",
    [Kernels(channels_last=True), Kernels(apart=True), Kernels(fused=True)],
    ids=["channels_last", "apart", "fused"],
)
@pytest.mark.parametrize("name", ["densenet10", "resnet14", *FAMILIES])
def test_other_kernels(name: str, kernels: Kernels, network: Callable[..., Network]) -> None:
    """What is fused is so on a GPU alone."""
    model = network(name)
    reference, pixels = reference_engine(model), noise(7)
    for way in WAYS:
        engine = CudaEngine(model, way=way, kernels=kernels, device="cpu")
        assert_same(engine, reference, pixels)
        if name in FAMILIES:
            branches = engine.card.costs.num_branches
            assert_same(engine, reference, pixels, threshold=second_confidence(reference, pixels))
            assert_same(engine, reference, pixels, fired=given_routes(7, branches))
            examined, expected = engine.examine(pixels[0]), reference.examine(pixels[0])
            np.testing.assert_allclose(examined.features, expected.features, atol=1e-4)


@pytest.mark.parametrize("kernels", [Kernels(), Kernels(apart=True)], ids=["grouped", "apart"])
@pytest.mark.parametrize("name", FAMILIES)
def test_a_full_bucket_is_run_again_with_more_room(
    name: str,
    kernels: Kernels,
    network: Callable[..., Network],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And the room is kept for the next batch of that shape."""
    asked: list[int] = []

    def larger(capacity: int, *, most: int, images: int) -> int:
        asked.append(most)
        return larger_capacity(capacity, most=most, images=images)

    monkeypatch.setattr(at_once, "larger_capacity", larger)
    model = network(name)
    engine = CudaEngine(model, way="buckets", kernels=kernels, device="cpu")
    reference = reference_engine(model)
    branches, images = engine.card.costs.num_branches, 64
    fired = uneven(images, branches)
    for pixels in (noise(images), noise(images)[::-1]):
        assert_same(engine, reference, pixels, fired=fired)
    assert asked == [images]
    assert_same(engine, reference, noise(images), fired=given_routes(images, branches)[:, :2])
    assert asked == [images]


def test_answers_are_memory_of_their_own(network: Callable[..., Network]) -> None:
    engine = CudaEngine(network("hydra_res_d1"), device="cpu")
    first = engine.run(noise(2))
    kept = [np.copy(part) for part in first[:5]]
    engine.run(noise(2)[::-1])
    for part, before in zip(first[:5], kept, strict=True):
        np.testing.assert_array_equal(part, before)


def test_where_a_threshold_asks_more_than_the_best_has(network: Callable[..., Network]) -> None:
    """The threshold may differ from call to call, at the same shapes."""
    model = network("hydra_res_d1")
    engine, reference = CudaEngine(model, device="cpu"), reference_engine(model)
    for threshold in (1.0, 1e-6, second_confidence(reference, noise(7)), 0.0):
        assert_same(engine, reference, noise(7), k=5, threshold=threshold)


def test_routes_are_those_of_the_host() -> None:
    """Ties too: of branches that score alike the first ones run."""
    scores = np.random.default_rng(0).integers(-2, 3, (200, 9)).astype(np.float32)
    for k in range(1, 10):
        for threshold in (0.0, 0.03, 0.3):
            fired, weights = choose(scores, k=k, threshold=threshold)
            given = torch.tensor([threshold]) if threshold else None
            route = best_scored(torch.from_numpy(scores), k, threshold=given)
            np.testing.assert_array_equal(route.indices, fired)
            np.testing.assert_allclose(route.weights, weights, atol=1e-6)


def test_buckets_hold_what_fits() -> None:
    fired = torch.tensor([[1, 0], [1, PADDING], [2, 1]])
    buckets = in_buckets(fired, branches=4, capacity=2)
    assert buckets.images.tolist() == [[0, 0, 2, 0], [0, 1, 0, 0]]
    assert buckets.inside.tolist() == [True, True, True, False, True, False]
    assert int(buckets.most) == 3
    found = torch.arange(8.0).view(2, 4, 1)
    assert buckets.features(found).flatten().tolist() == [1, 0, 5, 0, 2, 0]


def test_capacities() -> None:
    assert likely_capacity(images=1, k=4, branches=20) == 1
    assert likely_capacity(images=1024, k=4, branches=20) == 248
    assert likely_capacity(images=64, k=20, branches=20) == 64
    assert larger_capacity(24, most=25, images=64) == 48
    assert larger_capacity(24, most=60, images=64) == 64


def test_the_way_of_a_batch() -> None:
    """As measured for 1, 64 and 1,024 images, of which 4 of 20 branches fire, or all."""

    def way(images: int, k: int = 4) -> str:
        return fastest_on_gpu(images, likely_capacity(images=images, k=k, branches=20))

    assert [way(images) for images in (1, 29, 30, 64, 1024)] == ["all"] * 2 + ["buckets"] * 3
    assert [way(images, k=20) for images in (1, 64, 1024)] == ["all"] * 3


@pytest.mark.parametrize("name", FAMILIES)
def test_a_batch_runs_in_the_way_that_is_fastest(
    name: str, network: Callable[..., Network], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until so many images want one branch that buckets would save nothing."""
    ran: list[int] = []
    plain = FoldedBranches._buckets

    def buckets(self: FoldedBranches, x: Tensor, fired: Tensor, capacity: int) -> Any:
        ran.append(len(x))
        return plain(self, x, fired, capacity)

    monkeypatch.setattr(FoldedBranches, "_buckets", buckets)
    model = network(name, num_branches=8, k=1)
    engine, reference = CudaEngine(model, device="cpu"), reference_engine(model)
    for images in (1, 40):
        assert_same(engine, reference, noise(images), fired=given_routes(images, 8)[:, :1])
        assert ran == [40] * (images > 1), images
    crowded = np.zeros((40, 1), np.int64)
    assert_same(engine, reference, noise(40), fired=crowded)
    assert_same(engine, reference, noise(40), fired=crowded)
    assert len(ran) == 2


def test_what_was_not_used_for_longest_is_let_go_of() -> None:
    kept: Kept[int] = Kept()
    made: list[int] = []

    def get(number: int) -> int:
        return kept.get(number, lambda: made.append(number) or number)  # type: ignore[func-returns-value]

    for number in (*range(16), 0, 16, 0, 1):
        assert get(number) == number
    assert made == [*range(17), 1]
    kept.forget(0)
    get(0)
    assert made[-1] == 0


def test_a_given_route_of_many_images_is_checked() -> None:
    """As one of few is, though in another way."""
    card = SimpleNamespace(name="it", costs=SimpleNamespace(num_branches=4))
    for wrong, said in (([0, 4], "from 0 to 3"), ([2, 2], "twice"), ([PADDING] * 2, "At least")):
        for images in (1, 100):
            fired = np.tile([[3, PADDING]], (images, 1))
            check_choice(card, fired=fired)  # type: ignore[arg-type]
            fired[-1] = wrong
            with pytest.raises(InputError, match=said):
                check_choice(card, fired=fired)  # type: ignore[arg-type]


def test_unknown_kernels_are_a_sentence(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hydranet.bench.opening.choose_engine", choose_engine)
    monkeypatch.setattr("hydranet.engines.has_gpu", lambda: True)
    with pytest.raises(InputError, match="channels_last, fused, apart, not 'quick'"):
        open_variant(stored("hydra_res_d1"), "cuda:all,quick")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("kernels", ["", ",channels_last", ",fused", ",apart"])
@pytest.mark.parametrize("way", [*WITHOUT_HOST, AUTO])
@pytest.mark.parametrize("name", ["resnet14", *FAMILIES])
def test_on_a_gpu(name: str, way: str, kernels: str, network: Callable[..., Network]) -> None:
    """Recorded, replayed, overflown, and with other recordings in between."""
    model = network(name)
    way, asked = kernels_of(way + kernels)
    engine = CudaEngine(copy.deepcopy(model), way=way, kernels=asked)
    reference = reference_engine(model)
    for images in (1, 64, 7, 64, 1):
        pixels = noise(images)
        assert_same(engine, reference, pixels)
        if name in FAMILIES:
            branches = engine.card.costs.num_branches
            assert_same(engine, reference, pixels, threshold=second_confidence(reference, pixels))
            assert_same(engine, reference, pixels, fired=given_routes(images, branches))
            assert_same(engine, reference, pixels, fired=uneven(images, branches))
            assert_same(engine, reference, pixels)
    if name in FAMILIES:
        examined, expected = engine.examine(noise(1)[0]), reference.examine(noise(1)[0])
        np.testing.assert_allclose(examined.features, expected.features, atol=1e-4)
