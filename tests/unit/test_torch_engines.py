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
from numpy.typing import NDArray
from torch import nn

from hydranet.answer import softmax
from hydranet.checkpoints import find_checkpoint, load_model
from hydranet.engines import Engine, choose_engine, open_engine
from hydranet.engines.cuda import CudaEngine
from hydranet.engines.eager import eager_engine
from hydranet.engines.folded import layers
from hydranet.engines.folded.branches import WAYS
from hydranet.engines.reference import reference_engine
from hydranet.errors import InputError
from hydranet.models import HydraNet, Network
from hydranet.registry import list_models, model_config

DYNAMIC = [name for name in list_models() if model_config(name).is_dynamic]
ONE_OF_EACH_FAMILY = list({model_config(name).family: name for name in reversed(DYNAMIC)}.values())
BATCHES = (1, 2, 7, 64)
TOLERANCE = 1e-4


@pytest.fixture
def network(tmp_path: Path, make_checkpoint: Any) -> Callable[..., Network]:
    """A registered network, all its layers and branches with a few channels at 8×8, whose batch
    norms are not as they were made: negative scales too."""

    def make(name: str, **changes: int) -> Network:
        dense = hasattr(model_config(name), "growth")
        shape: dict[str, Any] = (
            {"growth": 2, "channels": 3}
            if dense
            else {"widths": (2, 3, 4, 5)[: model_config(name).num_widths]}
        )
        shape |= {"image_size": 8, "num_classes": 10, **changes}
        folder = make_checkpoint(f"narrow_{name}", tmp_path, model=name, shape=shape)
        model = load_model(find_checkpoint(folder))
        for part in model.modules():
            if isinstance(part, nn.BatchNorm2d):
                nn.init.normal_(part.running_mean)
                nn.init.uniform_(part.running_var, 0.5, 2.0)
                nn.init.uniform_(part.weight, -1.5, 1.5)
                nn.init.normal_(part.bias)
        return model

    return make


def noise(images: int, side: int = 8) -> NDArray[np.uint8]:
    return np.random.default_rng(images).integers(0, 256, (images, side, side, 3), dtype=np.uint8)


def given_routes(images: int, branches: int) -> NDArray[np.int64]:
    """Up to three branches an image in any order, at least one, the rest padded."""
    rng = np.random.default_rng(images)
    fired = np.stack([rng.permutation(branches)[:3] for _ in range(images)])
    return np.where(rng.random(fired.shape) < [0.0, 0.4, 0.6], -1, fired).astype(np.int64)


def assert_same(engine: Engine, reference: Engine, pixels: NDArray[np.uint8], **how: Any) -> None:
    found, expected = engine.run(pixels, **how), reference.run(pixels, **how)
    np.testing.assert_array_equal(found.fired, expected.fired)
    for name in ("logits", "gate_scores", "weights", "features"):
        a, b = getattr(found, name), getattr(expected, name)
        assert (a.shape, a.dtype) == (b.shape, b.dtype), name
        np.testing.assert_allclose(a, b, atol=TOLERANCE, rtol=TOLERANCE, err_msg=name)


def second_confidence(engine: Engine, pixels: NDArray[np.uint8]) -> float:
    """A threshold that some images' second-best branch passes, if they differ, and none just so."""
    confidence = np.sort(softmax(engine.run(pixels).gate_scores), axis=1)[:, -2]
    ordered = np.sort(confidence)
    gaps = np.diff(ordered)
    if not len(gaps) or gaps.max() < TOLERANCE:
        return float(ordered[0]) / 2
    widest = int(gaps.argmax())
    return float(ordered[widest : widest + 2].mean())


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
@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
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
@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_examined_is_the_reference(name: str, way: str, network: Callable[..., Network]) -> None:
    model = network(name)
    found = CudaEngine(model, way=way, device="cpu").examine(noise(1)[0])
    expected = reference_engine(model).examine(noise(1)[0])
    for field in ("pixels", "gate_scores", "features", "output_weight", "output_bias"):
        np.testing.assert_allclose(
            getattr(found, field), getattr(expected, field), atol=TOLERANCE, err_msg=field
        )
    assert found.costs == expected.costs


@pytest.mark.parametrize("name", ["resnet14", *ONE_OF_EACH_FAMILY])
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
@pytest.mark.parametrize("name", ["resnet14", *ONE_OF_EACH_FAMILY])
def test_on_a_gpu(name: str, way: str, network: Callable[..., Network]) -> None:
    model = network(name)
    engine, reference = CudaEngine(copy.deepcopy(model), way=way), reference_engine(model)
    for batch in (1, 64, 2, 64, 1):  # recorded, then replayed
        assert_same(engine, reference, noise(batch))
