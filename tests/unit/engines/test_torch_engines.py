"""The torch engines give what the reference gives, in every way that they can run branches."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from engine_checks import (
    BATCHES,
    DYNAMIC,
    FAMILIES,
    TOLERANCE,
    Stored,
    assert_same,
    given_routes,
    noise,
    second_confidence,
)

from hydranet.checkpoints import find_checkpoint, load_model
from hydranet.engines import choose_engine, open_engine
from hydranet.engines.cuda import CudaEngine
from hydranet.engines.eager import eager_engine
from hydranet.engines.folded import layers
from hydranet.engines.folded.branches import WAYS
from hydranet.engines.reference import reference_engine
from hydranet.errors import InputError
from hydranet.models import HydraNet, Network
from hydranet.registry import list_models


@pytest.fixture
def network(stored: Stored) -> Callable[..., Network]:
    """A registered network, narrow, loaded: see `engine_checks`."""
    return lambda name, **changes: load_model(stored(name, **changes))


@pytest.mark.parametrize("name", list_models())
def test_eager_on_every_registered_network(name: str, network: Callable[..., Network]) -> None:
    """With all layers and six branches; all branches of each family are below."""
    model = network(name, **({"num_branches": 6, "k": 3} if name in DYNAMIC else {}))
    engine, reference = eager_engine(model), reference_engine(model)
    branches = model.card.costs.num_branches if model.card else 0
    for batch in BATCHES:
        pixels = noise(batch)
        if not branches:
            assert_same(engine, reference, pixels)
            continue
        for k in sorted({1, 4, branches}):
            assert_same(engine, reference, pixels, k=k)
        assert_same(engine, reference, pixels, threshold=second_confidence(reference, pixels))
        assert_same(engine, reference, pixels, fired=given_routes(batch, branches))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", FAMILIES)
def test_every_way_at_every_k_of_every_family(
    name: str, way: str, network: Callable[..., Network]
) -> None:
    model = network(name)
    engine, reference = CudaEngine(model, way=way, device="cpu"), reference_engine(model)
    assert isinstance(model, HydraNet)
    branches = model.config.num_branches
    for k in range(1, branches + 1):
        assert_same(engine, reference, noise(7), k=k)
    for batch in BATCHES:
        pixels = noise(batch)
        assert_same(engine, reference, pixels)
        assert_same(engine, reference, pixels, threshold=second_confidence(reference, pixels))
        assert_same(engine, reference, pixels, threshold=0.99)
        assert_same(engine, reference, pixels, fired=given_routes(batch, branches))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", FAMILIES)
def test_examined_is_the_reference(name: str, way: str, network: Callable[..., Network]) -> None:
    model = network(name)
    found = CudaEngine(model, way=way, device="cpu").examine(noise(1)[0])
    expected = reference_engine(model).examine(noise(1)[0])
    for field in ("pixels", "gate_scores", "features", "output_weight", "output_bias"):
        np.testing.assert_allclose(
            getattr(found, field), getattr(expected, field), atol=TOLERANCE, err_msg=field
        )
    assert found.costs == expected.costs


@pytest.mark.parametrize("name", ["resnet14", *FAMILIES])
def test_without_packed_weights(
    name: str, network: Callable[..., Network], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine whose torch lacks the calls for them."""
    monkeypatch.setattr(layers, "_can_pack", lambda: False)
    model = network(name)
    for batch in BATCHES:
        assert_same(eager_engine(model), reference_engine(model), noise(batch))


@pytest.mark.parametrize(
    "changes",
    [
        {"widths": (6, 6, 6)},
        {"widths": (6, 4, 2)},
        {"image_size": 9},
        {"num_branches": 1, "k": 1},
    ],
    ids=str,
)
def test_unusual_shapes(changes: Any, network: Callable[..., Network]) -> None:
    model = network("hydra_res_d2", **changes)
    reference = reference_engine(model)
    pixels = noise(5, model.config.image_size)
    for way in WAYS:
        assert_same(eager_engine(model, way=way), reference, pixels)


def test_the_network_is_left_as_it_was(network: Callable[..., Network]) -> None:
    model = network("hydra_res_d1")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    engine = eager_engine(model)
    for batch in BATCHES:
        engine.run(noise(batch))
        engine.examine(noise(1)[0])
    assert not model.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_a_run_leaves_its_input_and_gives_arrays_of_its_own(
    network: Callable[..., Network],
) -> None:
    engine = eager_engine(network("hydra_res_d1"))
    pixels = noise(2)
    kept = pixels.copy()
    first = engine.run(pixels)
    logits = first.logits.copy()
    engine.run(noise(7)[:2])
    np.testing.assert_array_equal(pixels, kept)
    np.testing.assert_array_equal(first.logits, logits)


@pytest.mark.parametrize("kind", ["eager", "cuda"])
def test_many_threads_get_what_one_gets(kind: str, network: Callable[..., Network]) -> None:
    model = network("hydra_res_d2")
    engine = eager_engine(model) if kind == "eager" else CudaEngine(model, device="cpu")
    batches = [noise(images) for images in (1, 2, 3, 4, 5, 6)]
    alone = [engine.run(pixels).logits for pixels in batches]
    wrong: list[int] = []

    def work(index: int) -> None:
        for _ in range(20):
            if not np.allclose(engine.run(batches[index]).logits, alone[index], atol=1e-5):
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(batches))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_settings_of_torch_are_as_they_were(network: Callable[..., Network]) -> None:
    engine = CudaEngine(network("hydra_res_d1"), device="cpu")
    before = (torch.backends.cudnn.allow_tf32, torch.get_num_threads(), torch.is_grad_enabled())
    engine.run(noise(3))
    after = (torch.backends.cudnn.allow_tf32, torch.get_num_threads(), torch.is_grad_enabled())
    assert after == before


def test_an_unknown_way_lists_the_ways(network: Callable[..., Network]) -> None:
    with pytest.raises(InputError, match="loop, gathered, buckets, all, not 'fast'"):
        eager_engine(network("hydra_res_d1"), way="fast")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_cuda_without_a_gpu_is_a_sentence(tmp_path: Path, make_checkpoint: Any) -> None:
    checkpoint = find_checkpoint(make_checkpoint("hydra", tmp_path))
    with pytest.raises(InputError, match="needs a GPU"):
        open_engine(checkpoint, "cuda")
    assert choose_engine() != "cuda"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["resnet14", *FAMILIES])
def test_on_a_gpu(name: str, way: str, network: Callable[..., Network]) -> None:
    model = network(name)
    engine, reference = CudaEngine(copy.deepcopy(model), way=way), reference_engine(model)
    for batch in (1, 64, 2, 64, 1):  # recorded, then replayed
        assert_same(engine, reference, noise(batch))
