"""The engine int8: near single precision, on the same route; no calibration, no engine."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_checks import FAMILIES, Stored, noise, second_confidence

from hydranet.checkpoints import (
    CHECKPOINTS,
    Checkpoint,
    add_int8,
    find_checkpoint,
    list_checkpoints,
)
from hydranet.checkpoints.int8_note import INT8, Int8Note
from hydranet.data import ImageSet
from hydranet.engines import choose_engine, open_engine
from hydranet.engines.int8 import program
from hydranet.engines.int8.qdq import scale_and_zero
from hydranet.errors import InputError
from hydranet.quantising import quantise

FEW = 48


def pictures(side: int, count: int, seed: int) -> ImageSet:
    """Ramps of ten colours with noise."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    ramp = np.linspace(0.2, 1, side)[:, None, None] * np.linspace(1, 0.5, side)[:, None]
    colours = np.random.default_rng(0).integers(40, 256, (10, 3))[labels][:, None, None]
    images = np.clip(colours * ramp + rng.normal(0, 12, (count, side, side, 3)), 0, 255)
    return ImageSet("ramps", images.astype(np.uint8), labels, tuple(map(str, range(10))))


def quantised(checkpoint: Checkpoint, **how: Any) -> Checkpoint:
    side = checkpoint.card.architecture.image_size
    train, test = pictures(side, 2 * FEW, 1), pictures(side, FEW, 2)
    done = quantise(checkpoint, train, test, images=FEW, **how)
    note = replace(done.note, top1_fall=0.0)  # of random weights it means nothing
    add_int8(checkpoint, note, done.content)
    return find_checkpoint(checkpoint.folder)


@pytest.mark.parametrize("name", ["resnet8", "densenet10", *FAMILIES])
def test_answers_are_near_and_routes_the_same(name: str, stored: Stored) -> None:
    checkpoint = quantised(stored(name))
    engine, reference = open_engine(checkpoint, "int8"), open_engine(checkpoint, "onnx")
    assert engine.name == "int8"
    pixels = pictures(8, 70, 3).images
    dynamic = checkpoint.card.costs.num_branches > 0
    ways: list[dict[str, Any]] = [{}]
    if dynamic:
        ways += [{"k": 1}, {"threshold": second_confidence(reference, pixels)}]
        ways += [{"fired": np.tile([[3, 0, -1]], (len(pixels), 1))}]
    for how in ways:
        found, expected = engine.run(pixels, **how), reference.run(pixels, **how)
        np.testing.assert_array_equal(found.fired, expected.fired)
        np.testing.assert_allclose(found.gate_scores, expected.gate_scores, atol=1e-4)
        np.testing.assert_allclose(found.weights, expected.weights, atol=1e-4)
        scale = expected.logits.std()
        assert np.abs(found.logits - expected.logits).mean() < 0.05 * scale
        same = found.logits.argmax(axis=1) == expected.logits.argmax(axis=1)
        assert same.mean() >= 0.9
        assert (found.features.shape, found.features.dtype) == (
            expected.features.shape, expected.features.dtype,
        )  # fmt: skip
    if dynamic:
        one, other = engine.examine(pixels[0]), reference.examine(pixels[0])
        np.testing.assert_allclose(one.gate_scores, other.gate_scores, atol=1e-4)
        assert np.abs(one.features - other.features).mean() < 0.05 * other.features.std()


def test_a_gate_in_int8_may_choose_otherwise(stored: Stored) -> None:
    checkpoint = quantised(stored("hydra_res_d1"), float_gate=False)
    engine, reference = open_engine(checkpoint, "int8"), open_engine(checkpoint, "onnx")
    pixels = pictures(8, 70, 3).images
    found, expected = engine.run(pixels), reference.run(pixels)
    assert not np.array_equal(found.gate_scores, expected.gate_scores)
    difference = np.abs(found.gate_scores - expected.gate_scores).mean()
    assert difference < 0.1 * expected.gate_scores.std()


def test_the_second_start_reads_the_cache(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = quantised(stored("hydra_res_d1"))
    first = open_engine(checkpoint, "int8").run(noise(5))
    monkeypatch.setattr(program, "_built", lambda *_: pytest.fail("built anew"))
    assert np.array_equal(open_engine(checkpoint, "int8").run(noise(5)).logits, first.logits)


def test_a_processor_that_computes_otherwise_is_found_out(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = quantised(stored("resnet8"))
    build = program._built
    monkeypatch.setattr(
        program, "_built", lambda *given: {**(made := build(*given)), "answer": made["answer"] + 9}
    )
    monkeypatch.setattr(program.cache, "read", lambda _: None)
    with pytest.raises(InputError, match="answers otherwise on this processor"):
        open_engine(checkpoint, "int8")


def test_a_network_that_was_not_quantised_is_refused(stored: Stored) -> None:
    assert choose_engine() != "int8", "it is never chosen by itself"
    with pytest.raises(InputError, match=r"has not been quantised.*hydranet quantise"):
        open_engine(stored("resnet8"), "int8")


def test_a_network_that_loses_too_much_is_refused(stored: Stored) -> None:
    checkpoint = quantised(stored("resnet8"))
    assert checkpoint.card.int8 is not None
    content = (checkpoint.folder / INT8).read_bytes()
    add_int8(checkpoint, replace(checkpoint.card.int8, top1_fall=0.51), content)
    with pytest.raises(InputError, match=r"loses 0\.51 points of top-1 in int8; at most 0\.5"):
        open_engine(find_checkpoint(checkpoint.folder), "int8")


def changed(checkpoint: Checkpoint, change: Any) -> Checkpoint:
    """The calibration changed, and its hash on the card with it."""
    import hashlib

    data = json.loads((checkpoint.folder / INT8).read_bytes())
    content = json.dumps(change(data) or data).encode()
    assert checkpoint.card.int8 is not None
    digest = hashlib.sha256(content).hexdigest()
    add_int8(checkpoint, replace(checkpoint.card.int8, calibration_sha256=digest), content)
    return find_checkpoint(checkpoint.folder)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: d.update(format=2), "must have format 1"),
        (lambda d: ["no object"], "must have format 1"),
        (lambda d: d.pop("ranges") and None, "needs a field ranges"),
        (lambda d: d.update(more=1), "has no field 'more'"),
        (lambda d: d.update(weights_sha256="0" * 64), "made for other weights"),
        (lambda d: d["ranges"].update(network={}), "not one of its network"),
        (lambda d: d["ranges"].update(other={}), "not one of its network"),
        (lambda d: d["ranges"]["network"].update(sub_2=[2.0, 1.0]), "its least and its most"),
        (lambda d: d["ranges"]["network"].update(sub_2=[0.0]), "its least and its most"),
        (lambda d: d["ranges"]["network"].update(sub_2=[0.0, 1e30]), "its least and its most"),
        (lambda d: d["ranges"]["network"].update(sub_2=[0.0, float("nan")]), "finite number"),
        (lambda d: d["ranges"]["network"].update(sub_2="wide"), "must be a list"),
    ],
)
def test_what_is_no_calibration_is_a_sentence(change: Any, sentence: str, stored: Stored) -> None:
    checkpoint = changed(quantised(stored("resnet8")), change)
    with pytest.raises(InputError, match=sentence):
        open_engine(checkpoint, "int8")


@pytest.mark.parametrize("damage", ["cut", "gone", "huge", "deep"])
def test_a_damaged_calibration_is_a_sentence(damage: str, stored: Stored) -> None:
    checkpoint = quantised(stored("resnet8"))
    path = checkpoint.folder / INT8
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(content[:-5])
    elif damage == "huge":
        path.write_bytes(content + b" " * 2**23)
    else:
        path.write_bytes(b"[" * 100_000)
    with pytest.raises(InputError, match=r"int8\.json of stored_resnet8"):
        open_engine(checkpoint, "int8")
    assert open_engine(checkpoint, "onnx"), "the others do not need it"


@pytest.mark.parametrize(
    "wrong", [{"calibration_sha256": "x"}, {"images": 0}, {"top1": 101.0}, {"agreement": -1.0}]
)
def test_a_note_that_cannot_be_is_a_sentence(wrong: dict[str, Any]) -> None:
    sound = {
        "calibration_sha256": "0" * 64, "images": 9, "top1": 60.0, "top1_fall": 0.1,
        "agreement": 99.0, "routes_changed": 0.0,
    }  # fmt: skip
    assert "0.10 points below single precision" in Int8Note(**sound).words(routed=True)
    assert "0.10 points above" in Int8Note(**{**sound, "top1_fall": -0.1}).words(routed=True)
    assert "as much as single" in Int8Note(**{**sound, "top1_fall": 0.0}).words(routed=True)
    assert "every route is the same" in Int8Note(**sound).words(routed=True)
    assert "route" not in Int8Note(**sound).words(routed=False)
    with pytest.raises(InputError, match="A card's int8 must give"):
        Int8Note(**{**sound, **wrong})


@pytest.mark.parametrize("span", [(-3.0, 5.0), (0.0, 6.0), (2.0, 6.0), (-6.0, -2.0), (0.0, 0.0)])
def test_zero_is_a_number_of_every_range(span: tuple[float, float]) -> None:
    scale, zero = scale_and_zero(span)
    least, most = (scale * (level - float(zero)) for level in (0, 255))
    assert least <= min(0, span[0]) + scale
    assert most >= max(0, span[1]) - scale
    assert scale > 0


def shipped() -> list[str]:
    good, _ = list_checkpoints()
    return [one.name for one in good if one.card.int8 is not None]


@pytest.mark.parametrize("name", shipped())
def test_shipped_calibrations_fit_their_networks(name: str, tmp_path: Path) -> None:
    checkpoint = find_checkpoint(name, CHECKPOINTS)
    engine, reference = open_engine(checkpoint, "int8"), open_engine(checkpoint, "onnx")
    pixels = noise(16, checkpoint.card.architecture.image_size)
    found, expected = engine.run(pixels), reference.run(pixels)
    np.testing.assert_array_equal(found.fired, expected.fired)
    assert np.abs(found.logits - expected.logits).mean() < 0.2 * expected.logits.std()
