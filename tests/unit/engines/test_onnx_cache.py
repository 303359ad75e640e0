"""Graphs are kept, and whatever happens to the file, the answers stay right."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from engine_checks import Stored, assert_same, noise
from numpy.typing import NDArray
from onnx import ModelProto, helper, load_model_from_string

from hydranet.checkpoints import Checkpoint
from hydranet.checkpoints.weights import read_weights
from hydranet.engines import Engine, open_engine
from hydranet.engines.onnx import cache, link, pieces, program
from hydranet.engines.onnx.canonical import canonical
from hydranet.engines.onnx.graphs import to_arrays
from hydranet.engines.onnx.hoist import rename
from hydranet.engines.onnx.link import optimised

_numbers = count()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HYDRANET_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache" / "onnx"


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the networks whose graphs were built."""
    names: list[str] = []
    original = pieces.build

    def build(card, weights):  # type: ignore[no-untyped-def]  # as the original
        names.append(card.name)
        return original(card, weights)

    monkeypatch.setattr(pieces, "build", build)
    return names


def file_in(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def open_and_compare(checkpoint: Checkpoint) -> Engine:
    engine, reference = open_engine(checkpoint, "onnx"), open_engine(checkpoint, "reference")
    assert_same(engine, reference, noise(5))
    return engine


@pytest.mark.parametrize("name", ["resnet8", "hydra_res_d1", "multihead_resnet"])
def test_built_once(name: str, stored: Stored, folder: Path, built: list[str]) -> None:
    checkpoint = stored(name)
    first = open_and_compare(checkpoint).run(noise(3)).logits
    second = open_and_compare(checkpoint).run(noise(3)).logits
    assert len(built) == 1
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", ["resnet8", "hydra_res_d1", "hydra_dense_d2", "multihead_resnet"])
def test_what_runs_is_fitted_to_this_machine(name: str, stored: Stored, folder: Path) -> None:
    """And not what stands in where the fitted graphs do not open or answer otherwise."""
    checkpoint = stored(name)
    open_engine(checkpoint, "onnx")
    kept = cache.read(file_in(folder).stem)
    assert kept is not None
    network = pieces.build(checkpoint.card, read_weights(checkpoint))
    plain, fitted = (to_arrays(link.link(network, optimise=each)) for each in (False, True))
    for graph in {"graph", "stem", "branch", "together"} & kept.keys():
        assert operators(kept[graph]) == operators(fitted[graph]) != operators(plain[graph])


def operators(graph: NDArray[np.uint8]) -> Counter[tuple[str, str]]:
    """Without their order, which ONNX Runtime does not always keep."""
    nodes = load_model_from_string(graph.tobytes()).graph.node
    return Counter((node.domain, node.op_type) for node in nodes)


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "one bit": flip_a_bit,
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "half of the digest": lambda path: path.write_bytes(path.read_bytes()[:16]),
    "empty": lambda path: path.write_bytes(b""),
    "no arrays": lambda path: cache.write(path.stem, {}),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_what_is_damaged_is_built_anew(
    kind: str, stored: Stored, folder: Path, built: list[str]
) -> None:
    checkpoint = stored("hydra_res_d1")
    open_engine(checkpoint, "onnx")
    DAMAGE[kind](file_in(folder))
    open_and_compare(checkpoint)
    assert len(built) == 2
    if kind != "a folder":
        open_and_compare(checkpoint)
        assert len(built) == 2, "and kept"


def test_what_a_killed_writer_left_does_no_harm(
    stored: Stored, folder: Path, built: list[str]
) -> None:
    checkpoint = stored("resnet8")
    open_engine(checkpoint, "onnx")
    kept = file_in(folder)
    kept.rename(folder / ".part-abc")
    open_and_compare(checkpoint)
    assert len(built) == 2


def test_another_version_is_not_read(
    stored: Stored, folder: Path, built: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = stored("resnet8")
    open_engine(checkpoint, "onnx")
    monkeypatch.setattr(program, "BUILDER", program.BUILDER + 1)
    open_and_compare(checkpoint)
    assert len(built) == 2
    assert len(list(folder.iterdir())) == 2


def test_graphs_that_answer_otherwise_are_built_anew(
    stored: Stored, folder: Path, built: list[str]
) -> None:
    """As those of another processor would, whose vectors are of another length."""
    checkpoint = stored("hydra_res_d1")
    open_engine(checkpoint, "onnx")
    path = file_in(folder)
    arrays = cache.read(path.stem)
    assert arrays is not None
    name = max((n for n in arrays if n.startswith("constants.")), key=lambda n: arrays[n].size)
    cache.write(path.stem, {**arrays, name: arrays[name][:, ::-1].copy()})
    open_and_compare(checkpoint)
    assert len(built) == 2


def test_a_folder_that_cannot_be_written_is_no_error(
    stored: Stored, folder: Path, built: list[str]
) -> None:
    folder.write_text("a file stands where the folder should be")
    checkpoint = stored("hydra_res_d1")
    for _ in range(2):
        open_and_compare(checkpoint)
    assert len(built) == 2


def spoiled(model: ModelProto) -> ModelProto:
    """An optimiser that gets one constant wrong."""
    found = optimised(model)
    constant = found.graph.initializer[0]
    constant.raw_data = bytes(len(constant.raw_data))
    return found


def differing(model: ModelProto) -> ModelProto:
    """An optimiser that puts one node more into every other branch."""
    found = optimised(model)
    if found.graph.input[0].name == "maps" and next(_numbers) % 2:
        first = found.graph.node[0]
        found.graph.node.insert(0, helper.make_node("Identity", ["maps"], ["the same"]))
        first.input[:] = ["the same" if name == "maps" else name for name in first.input]
    return found


@pytest.mark.parametrize("optimiser", [spoiled, differing], ids=["spoiled", "differing"])
def test_where_optimising_fails_the_graphs_run_as_they_are(
    optimiser: Callable[[ModelProto], ModelProto],
    stored: Stored, folder: Path, built: list[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(link, "optimised", optimiser)
    checkpoint = stored("hydra_res_d1")
    for _ in range(2):
        open_and_compare(checkpoint)
    assert len(built) == 1
    kept = cache.read(file_in(folder).stem)
    assert kept is not None
    network = pieces.build(checkpoint.card, read_weights(checkpoint))
    plain = to_arrays(link.link(network, optimise=False))
    assert operators(kept["branch"]) == operators(plain["branch"])


@pytest.mark.parametrize("name", ["hydra_res_d2", "hydra_dense_d2"])
def test_branches_have_one_order_and_one_set_of_names(name: str, stored: Stored) -> None:
    """Whatever order and names ONNX Runtime gives them."""
    checkpoint = stored(name, num_branches=1, k=1)
    (branch,) = pieces.build(checkpoint.card, read_weights(checkpoint)).branches
    expected, draw = canonical(optimised(branch)), random.Random(0)
    for _ in range(5):
        assert canonical(shuffled(optimised(branch), draw)) == expected


def shuffled(model: ModelProto, draw: random.Random) -> ModelProto:
    """The same, its nodes in another order in which they may stand, and all that lies between them
    by other names."""
    graph = model.graph
    places = {value: place for place, node in enumerate(graph.node) for value in node.output}
    depths = dict[str, int]()
    for node in graph.node:
        depth = 1 + max((depths.get(value, 0) for value in node.input), default=0)
        depths |= dict.fromkeys(node.output, depth)
    nodes = sorted(graph.node, key=lambda node: (depths[node.output[0]], draw.random()))
    del graph.node[:]
    graph.node.extend(nodes)
    for value in [*places, *(constant.name for constant in graph.initializer)]:
        if value not in {output.name for output in graph.output}:
            name = f"{draw.random()}"
            rename(graph, value, name)
            for constant in graph.initializer:
                constant.name = name if constant.name == value else constant.name
    constants = sorted(graph.initializer, key=lambda _: draw.random())
    del graph.initializer[:]
    graph.initializer.extend(constants)
    return model


def test_those_not_used_for_longest_go_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "KEPT", 2)
    for age, name in enumerate(("a", "b")):
        cache.write(name, {"x": np.zeros(3)})
        os.utime(folder / f"{name}.graphs", (age, age))
    assert cache.read("a") is not None, "so it was used last"
    cache.write("c", {"x": np.zeros(3)})
    assert [cache.read(name) is not None for name in "abc"] == [True, False, True]
