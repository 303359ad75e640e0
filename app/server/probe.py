"""The question that the health check asks: does a network answer? In line with everyone's work."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from app import services
from app.cores.computing import admitted, telling
from app.intake import sample_names, take_sample
from hydranet.data.resize import fit_square
from hydranet.errors import InputError
from hydranet.routing.policies import softmax

PATIENCE_S = 10.0
_ROUNDING = 1e-3


def ask_a_network() -> dict[str, Any]:
    """Run a sample photo through the cheapest sound network; which one answered, and how fast.

    Raises:
        InputError: there is none, it is damaged, gives no probabilities, or got no core in time.
    """
    good, damaged = services.checkpoints()
    if not good:
        raise InputError(
            "There is no sound checkpoint to answer with. Put one where the dashboard looks, or "
            f"train one; {len(damaged)} are left out as damaged."
        )
    checkpoint = min(good, key=lambda one: one.card.costs.routed_macs)
    engine = services.engine(checkpoint)
    photo = take_sample(sample_names()[0]).image
    pixels = fit_square(photo, checkpoint.card.architecture.image_size)
    with telling(_impatient()), admitted():
        started = time.perf_counter()
        logits = engine.run(pixels[None]).logits[0]  # (C,)
        milliseconds = 1000 * (time.perf_counter() - started)
    if not abs(float(softmax(logits).sum()) - 1) < _ROUNDING:  # not a number fails too
        raise InputError(f"{checkpoint.name} answers, but with no probabilities.")
    return {
        "checkpoint": checkpoint.name,
        "answer": checkpoint.card.class_names[int(np.argmax(logits))],
        "ms": round(milliseconds, 1),
        "checkpoints": len(good),
        "left_out": len(damaged),
    }


def _impatient() -> Callable[[int], None]:
    deadline = time.monotonic() + PATIENCE_S

    def told(before: int) -> None:
        if time.monotonic() > deadline:
            raise InputError(f"No core was free for {PATIENCE_S:g} s; {before} are in line.")

    return told
