"""The onnx engine gives what the reference gives, from many threads, and needs no torch."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_checks import (
    BATCHES,
    DYNAMIC,
    FAMILIES,
    LAID_OUT,
    TOLERANCE,
    Stored,
    assert_same,
    given_routes,
    noise,
    second_confidence,
)

from hydranet.checkpoints import Checkpoint
from hydranet.engines import Engine, open_engine
from hydranet.engines.onnx import lane, routed
from hydranet.registry import model_config
from hydranet.routing.arrays import PADDING

ROOT = Path(__file__).parents[3]


def both(checkpoint: Checkpoint) -> tuple[Engine, Engine]:
    return open_engine(checkpoint, "onnx"), open_engine(checkpoint, "reference")


def assert_every_route(engine: Engine, reference: Engine, pixels: Any, counts: list[int]) -> None:
    branches = engine.card.costs.num_branches
    for k in counts:
        assert_same(engine, reference, pixels, k=k)
    assert_same(engine, reference, pixels)
    assert_same(engine, reference, pixels, threshold=second_confidence(reference, pixels))
    assert_same(engine, reference, pixels, threshold=0.99)
    assert_same(engine, reference, pixels, fired=given_routes(len(pixels), branches))


@pytest.mark.parametrize("name", LAID_OUT)
def test_every_registered_network(name: str, stored: Stored) -> None:
    """With all layers and six branches; all branches of each family are below."""
    few = {"num_branches": 6, "k": 3} if name in DYNAMIC else {}
    engine, reference = both(stored(name, **few))
    for batch in BATCHES:
        if few:
            assert_every_route(engine, reference, noise(batch), [1, 4, 6])
        else:
            assert_same(engine, reference, noise(batch))


@pytest.mark.parametrize("name", FAMILIES)
def test_every_k_of_every_family(name: str, stored: Stored) -> None:
    engine, reference = both(stored(name))
    branches = engine.card.costs.num_branches
    for batch in (1, 7):
        assert_every_route(engine, reference, noise(batch), list(range(1, branches + 1)))


@pytest.mark.parametrize("name", ["resnet14", "densenet10", *FAMILIES])
def test_at_full_width(name: str, stored: Stored) -> None:
    """Where channels fill the processor's vectors, and maps pass in its layout."""
    config = model_config(name)
    width = {key: getattr(config, key) for key in ("widths", "growth", "channels")
             if hasattr(config, key)}  # fmt: skip
    few = {"num_branches": 5, "k": 2} if name in DYNAMIC else {}
    engine, reference = both(stored(name, image_size=16, **width, **few))
    for batch in (1, 7, 64):
        if few:
            assert_every_route(engine, reference, noise(batch, 16), [1, 3, 5])
        else:
            assert_same(engine, reference, noise(batch, 16))


@pytest.mark.parametrize("name", ["resnet14", "hydra_res_d1", "multihead_resnet"])
def test_more_images_than_go_through_at_once(name: str, stored: Stored) -> None:
    engine, reference = both(stored(name))
    pixels = noise(2 * routed.CHUNK + 3)
    assert_same(engine, reference, pixels)
    if name == "hydra_res_d1":
        assert_same(engine, reference, pixels, fired=given_routes(len(pixels), 20))


def test_large_images_go_through_in_smaller_parts(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routed, "MAP_BYTES", 1000)
    engine, reference = both(stored("hydra_res_d1"))
    assert_same(engine, reference, noise(9))


def test_batches_of_every_kind_in_turns(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stays bound for one kind of batch is right when it comes again, or had to go."""
    engine, reference = both(stored("hydra_res_d1", num_branches=5, k=2))
    for most in (lane.PLANS, 1):
        monkeypatch.setattr(lane, "PLANS", most)
        for batch, k in [(2, 2), (3, 2), (2, 5), (2, 4), (2, 2), (3, 2), (2, 5)]:
            assert_same(engine, reference, noise(batch), k=k)
            given = np.array([[4, 1, 0, 3, 2][:k]] * batch)
            assert_same(engine, reference, noise(batch), fired=given)
            given[:, -1] = PADDING
            assert_same(engine, reference, noise(batch), fired=given)


@pytest.mark.parametrize(
    "changes",
    [
        {"widths": (6, 6, 6)},
        {"widths": (16, 16, 16)},
        {"widths": (32, 20, 16)},
        {"image_size": 9},
        {"num_branches": 1, "k": 1},
        {"num_branches": 70, "k": 2},
    ],
    ids=str,
)
def test_unusual_shapes(changes: Any, stored: Stored) -> None:
    engine, reference = both(stored("hydra_res_d2", **changes))
    side = engine.card.architecture.image_size
    for batch in (1, 5):
        assert_same(engine, reference, noise(batch, side))
        assert_same(engine, reference, noise(batch, side), k=engine.card.costs.num_branches)


@pytest.mark.parametrize("name", FAMILIES)
def test_examined_is_the_reference(name: str, stored: Stored) -> None:
    engine, reference = both(stored(name))
    found, expected = (one.examine(noise(1)[0]) for one in (engine, reference))
    for field in ("pixels", "gate_scores", "features", "output_weight", "output_bias"):
        np.testing.assert_allclose(
            getattr(found, field), getattr(expected, field), atol=TOLERANCE, err_msg=field
        )
    assert found.costs == expected.costs
    np.testing.assert_allclose(engine.output_weight, reference.output_weight)


def test_what_is_given_is_left_and_what_comes_stays(stored: Stored) -> None:
    engine = open_engine(stored("hydra_res_d1"), "onnx")
    for batch in (1, 3):
        pixels = noise(batch)
        kept = pixels.copy()
        outputs = engine.run(pixels)
        names = ("logits", "gate_scores", "fired", "weights", "features")
        before = [getattr(outputs, name).copy() for name in names]
        engine.run(noise(7)[:batch])
        np.testing.assert_array_equal(pixels, kept)
        for name, values in zip(names, before, strict=True):
            np.testing.assert_array_equal(getattr(outputs, name), values, err_msg=name)


@pytest.mark.parametrize("name", ["resnet8", "hydra_res_d2"])
def test_eight_threads_get_exactly_what_one_gets(name: str, stored: Stored) -> None:
    engine = open_engine(stored(name), "onnx")
    batches = [noise(images) for images in (1, 1, 2, 3, 7, 16, 30, 64)]
    alone = [engine.run(pixels).logits for pixels in batches]
    wrong: list[int] = []

    def work(index: int) -> None:
        for _ in range(40):
            if not np.array_equal(engine.run(batches[index]).logits, alone[index]):
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(batches))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


PROGRAM = """
import sys
import numpy as np
from pathlib import Path
from hydranet.checkpoints import find_checkpoint
from hydranet.engines import answers, open_engine
engine = open_engine(find_checkpoint(Path(sys.argv[1])))
side = engine.card.architecture.image_size
found = answers(engine, engine.run(np.zeros((1, side, side, 3), np.uint8)))
assert engine.name == "onnx" and found[0].macs > 0
print(*({"torch", "onnx", "onnxruntime"} & set(sys.modules)))
"""


@pytest.mark.parametrize("name", ["resnet8", "hydra_res_d1", "hydra_dense_d2"])
def test_no_torch_from_the_weights_to_the_answer(
    name: str, stored: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second start takes the graphs from the cache, and needs no onnx either."""
    monkeypatch.setenv("HYDRANET_CACHE", str(tmp_path / "cache"))
    folder = str(stored(name).folder)
    loaded = [
        subprocess.run(
            [sys.executable, "-W", "error", "-c", PROGRAM, folder],
            capture_output=True, text=True, check=True, timeout=60, cwd=ROOT,
        ).stdout.split()
        for _ in range(2)
    ]  # fmt: skip
    assert [sorted(names) for names in loaded] == [["onnx", "onnxruntime"], ["onnxruntime"]]
