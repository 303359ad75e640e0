"""A network in int8: calibrated and chosen on training images, then measured on the test images."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hydranet.checkpoints import Checkpoint
from hydranet.checkpoints.int8_note import Int8Note
from hydranet.checkpoints.weights import read_weights
from hydranet.data import LabelledImages
from hydranet.engines import Engine, Outputs, engine_for, open_engine
from hydranet.engines.engine import joined
from hydranet.engines.int8.calibrate import METHODS, calibrate
from hydranet.engines.int8.calibration import Calibration
from hydranet.engines.int8.engine import Int8Engine
from hydranet.errors import InputError

BATCH = 64
_HELD_OUT = 4
"""One in so many of the training images chooses the method; the others calibrate."""


@dataclass(frozen=True)
class Quantised:
    """`content`: the calibration as a file for the checkpoint's folder; `note`: for its card;
    `float_top1`: of single precision on the same test images, in percent; `errors`: by method, the
    mean squared difference of logits on held-out training images, by which `method` was chosen."""

    content: bytes
    note: Int8Note
    float_top1: float
    method: str
    errors: dict[str, float]


def quantise(
    checkpoint: Checkpoint,
    train: LabelledImages,
    test: LabelledImages,
    *,
    images: int = 1024,
    float_gate: bool = True,
    seed: int = 0,
    on_progress: Callable[[float], None] = lambda part: None,
) -> Quantised:
    """Calibrate on `images` training images, keep the method that is nearest to single precision on
    a quarter as many others, and measure what it costs on the test images.

    Raises:
        InputError: there are too few training images, or the network has no layers that int8 knows.
    """
    engine_for(checkpoint, "int8")  # which says what it does not know
    card, weights = checkpoint.card, read_weights(checkpoint)
    held_out = max(1, images // _HELD_OUT)
    if len(train) < 2:
        raise InputError(f"Calibration needs at least 2 training images, not {len(train)}.")
    order = np.random.default_rng(seed).permutation(len(train))
    count = min(images, max(1, len(train) - held_out))
    seen = train.pixels(order[:count])
    others = train.subset(order[count : count + held_out])
    ranges = calibrate(
        card, weights, seen, float_gate=float_gate,
        on_progress=lambda part: on_progress(0.4 * part),
    )  # fmt: skip
    reference = open_engine(checkpoint, "onnx")
    expected = run_all(reference, others).logits
    contents, engines, errors = {}, {}, {}
    for number, method in enumerate(METHODS):
        calibration = Calibration(
            weights_sha256=card.weights_sha256, method=method, images=count,
            float_gate=float_gate, ranges=ranges[method],
        )  # fmt: skip
        contents[method] = calibration.to_bytes()
        digest = hashlib.sha256(contents[method]).hexdigest()
        engines[method] = Int8Engine(checkpoint, calibration=(calibration, digest))
        difference = run_all(engines[method], others).logits - expected
        errors[method] = float(np.square(difference).mean())
        on_progress(0.4 + 0.1 * (number + 1))
    best = min(METHODS, key=errors.__getitem__)
    note, float_top1 = measure(
        engines[best], reference, test, hashlib.sha256(contents[best]).hexdigest(),
        on_progress=lambda part: on_progress(0.7 + 0.3 * part),
    )  # fmt: skip
    return Quantised(contents[best], note, float_top1, best, errors)


def measure(
    engine: Engine,
    reference: Engine,
    test: LabelledImages,
    digest: str,
    *,
    on_progress: Callable[[float], None] = lambda part: None,
) -> tuple[Int8Note, float]:
    """What int8 costs beside another engine on the same images, and that engine's top-1."""
    found = run_all(engine, test, lambda part: on_progress(part / 2))
    expected = run_all(reference, test, lambda part: on_progress((1 + part) / 2))
    answers, others = (outputs.logits.argmax(axis=1) for outputs in (found, expected))
    top1, float_top1 = (100 * float((one == test.labels).mean()) for one in (answers, others))
    routes, expected_routes = (np.sort(outputs.fired, axis=1) for outputs in (found, expected))
    changed = np.any(routes != expected_routes, axis=1)
    note = Int8Note(
        calibration_sha256=digest,
        images=len(test),
        top1=round(top1, 4),
        top1_fall=round(float_top1 - top1, 4),
        agreement=round(100 * float((answers == others).mean()), 4),
        routes_changed=round(100 * float(changed.mean()), 4),
    )
    return note, float_top1


def run_all(
    engine: Engine,
    images: LabelledImages,
    on_progress: Callable[[float], None] = lambda part: None,
) -> Outputs:
    """Any number of images through an engine."""
    parts = []
    for at in range(0, len(images), BATCH):
        end = min(at + BATCH, len(images))
        parts.append(engine.run(images.pixels(np.arange(at, end))))
        on_progress(end / len(images))
    return joined(parts)
