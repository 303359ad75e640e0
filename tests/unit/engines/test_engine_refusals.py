"""What engines refuse, and how: a sentence, whatever is asked of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine_checks import Stored, noise

import hydranet.engines
from hydranet.checkpoints import find_checkpoint
from hydranet.engines import choose_engine, open_engine
from hydranet.errors import InputError

ON_A_CPU = ["reference", "eager", "onnx"]


@pytest.mark.parametrize("name", ON_A_CPU)
def test_choices_that_do_not_fit(name: str, stored: Stored) -> None:
    engine = open_engine(stored("hydra_res_d1"), name)
    pixels = noise(2)
    for how, sentence in (
        ({"k": 0}, "k must be from 1 to 20, the number of branches, not 0"),
        ({"k": 21}, "not 21"),
        ({"threshold": 1.5}, "threshold must be from 0 to 1, not 1.5"),
        ({"k": 2, "fired": np.array([[1], [2]])}, "either k and a threshold or branches"),
        ({"fired": np.array([[1, 2]])}, r"shape \(2, branches\)"),
        ({"fired": np.array([[1.0], [2.0]])}, "must be whole numbers"),
        ({"fired": np.array([[1], [20]])}, "from 0 to 19, or -1 where none runs, not 20"),
        ({"fired": np.array([[1], [-2]])}, "not -2"),
        ({"fired": np.array([[1] + [-1] * 20] * 2)}, "at most so many, padding included, not 21"),
        ({"fired": np.array([[1, 2], [3, 3]])}, "named twice"),
        ({"fired": np.array([[1, 2], [-1, -1]])}, "At least one branch must run"),
    ):
        with pytest.raises(InputError, match=sentence):
            engine.run(pixels, **how)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    "pixels",
    [noise(1)[:0], noise(1, 9), noise(1)[0], noise(1).astype(np.float32)],
    ids=["none", "size", "one", "type"],
)
@pytest.mark.parametrize("name", ON_A_CPU)
def test_images_that_do_not_fit(name: str, pixels: Any, stored: Stored) -> None:
    with pytest.raises(InputError, match="takes images of 8×8×3 bytes, at least one"):
        open_engine(stored("hydra_res_d1"), name).run(pixels)


@pytest.mark.parametrize("name", ON_A_CPU)
def test_a_static_network_takes_no_choice(name: str, stored: Stored) -> None:
    engine = open_engine(stored("resnet8"), name)
    for how in ({"k": 1}, {"threshold": 0.1}, {"fired": np.array([[0]])}):
        with pytest.raises(InputError, match="is a static network"):
            engine.run(noise(1), **how)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(InputError, match="is a static network"):
        engine.examine(noise(1)[0])
    found = engine.run(noise(3))
    assert found.fired.shape == found.gate_scores.shape == (3, 0)


def test_damaged_weights_are_refused_though_their_graphs_are_kept(stored: Stored) -> None:
    checkpoint = stored("resnet8")
    open_engine(checkpoint, "onnx")
    path = checkpoint.folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="does not have the SHA-256 on its card"):
        open_engine(find_checkpoint(checkpoint.folder), "onnx")


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package_is_a_sentence(
    package: str, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = hydranet.engines.find_spec
    monkeypatch.setattr(
        hydranet.engines, "find_spec", lambda name: None if name == package else found(name)
    )
    with pytest.raises(InputError, match=f"needs {package}, which is not installed.*pip install"):
        open_engine(stored("resnet8"), "onnx")
    assert choose_engine() in ("eager", "cuda")


def test_an_unknown_engine_lists_the_names(stored: Stored) -> None:
    with pytest.raises(InputError, match=r"'fast'.*auto, reference, eager, onnx"):
        open_engine(stored("resnet8"), "fast")
