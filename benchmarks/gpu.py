"""The cuda engine in all its ways and with all its kernels: is it right, and how long does it take?

    python benchmarks/gpu.py [NAME …] [--variant all,fused …] [--batch N …] [--k N …] [--out FILE]

First every variant answers as the reference does on this machine's processor: own routes, a
threshold, given branches and buckets that overflow; what differs or fails is told and not timed.
Then the rest is timed in turns, as `hydranet bench` does; a static network, which has no branches,
once for all ways. Prints JSON. With `--device cpu` it says whether it works, not how fast.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hydranet.bench.measure import SEED, measure_all
from hydranet.bench.opening import kernels_of
from hydranet.bench.ratios import ratios, report_json
from hydranet.bench.subjects import Subject, subject
from hydranet.checkpoints import CHECKPOINTS, Checkpoint, load_model
from hydranet.engines import Engine
from hydranet.engines.cuda import CudaEngine
from hydranet.engines.reference import reference_engine
from hydranet.errors import InputError
from hydranet.machine import hardware
from hydranet.routing.arrays import PADDING

NETWORKS = ("hydra_res_d2", "resnet56")
VARIANTS = (
    "auto",
    "loop",
    "loop,channels_last",
    *(
        f"{way}{kernels}"
        for way in ("all", "buckets")
        for kernels in ("", ",channels_last", ",fused", ",channels_last,fused")
    ),
    "buckets,apart",
    "buckets,channels_last,apart",
    "buckets,fused,apart",
)
CHECKED = (1, 64)
TOLERANCE = 1e-4


def main() -> None:
    """Check, measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=NETWORKS)
    parser.add_argument("--variant", nargs="+", default=VARIANTS)
    parser.add_argument("--batch", nargs="+", type=int, default=(1, 64, 1024))
    parser.add_argument("--k", nargs="+", type=int, default=(4,))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        subjects = [subject(name, root=CHECKPOINTS, folder=Path(folder)) for name in given.names]
        engines, differences = _checked(subjects, given.variant, given.device)

        def opened(checkpoint: Checkpoint, variant: str) -> Engine:
            try:
                return engines[checkpoint.name, variant.removeprefix("cuda:")]
            except KeyError:
                raise InputError("It fails, differs, or is a static network again.") from None

        report = measure_all(
            subjects, engines=[f"cuda:{variant}" for variant in given.variant],
            batches=given.batch, ks=given.k, rounds=given.rounds, opener=opened,
        )  # fmt: skip
    found = {
        **report_json(report, ratios(report, subjects)),
        "gpu": hardware(given.device),
        "tolerance": TOLERANCE,
        "differences": differences,
    }
    text = json.dumps(found, indent=1)
    if given.out:
        given.out.write_text(text + "\n")
    print(text)


def _checked(
    subjects: list[Subject], variants: list[str], device: str
) -> tuple[dict[tuple[str, str], Engine], dict[str, dict[str, float | str]]]:
    """The engines whose answers are right, and by how much each differs, or how it fails."""
    engines: dict[tuple[str, str], Engine] = {}
    differences: dict[str, dict[str, float | str]] = {}
    for one in subjects:
        reference = reference_engine(load_model(one.checkpoint), threads=torch.get_num_threads())
        expected = [reference.run(pixels, **how) for pixels, how in _asked(one)]
        said: set[object] = set()
        for variant in variants:
            way, kernels = kernels_of(variant)
            of_static = kernels.channels_last, kernels.fused
            if not one.card.costs.num_branches and of_static in said:
                continue
            said.add(of_static)
            told = differences.setdefault(one.name, {})
            try:
                engine = CudaEngine(
                    load_model(one.checkpoint), way=way, kernels=kernels, device=device
                )
                told[variant] = worst = max(
                    _difference(engine.run(pixels, **how), right)
                    for (pixels, how), right in zip(_asked(one), expected, strict=True)
                )
            except RuntimeError as error:
                told[variant] = str(error).splitlines()[0]
                continue
            if worst <= TOLERANCE:
                engines[one.name, variant] = engine
    return engines, differences


def _asked(one: Subject) -> list[tuple[NDArray[np.uint8], dict[str, Any]]]:
    side, branches = one.card.architecture.image_size, one.card.costs.num_branches
    rng = np.random.default_rng(SEED)
    asked: list[tuple[NDArray[np.uint8], dict[str, Any]]] = []
    for images in CHECKED:
        pixels = rng.integers(0, 256, (images, side, side, 3), dtype=np.uint8)
        asked.append((pixels, {}))
        if branches:
            fired = rng.random((images, branches)).argsort(axis=1)[:, :2]
            fired[rng.random(images) < 0.5, 1] = PADDING
            crowded = np.stack([np.full(images, branches - 1), np.arange(images) % 2], axis=1)
            asked += [(pixels, {"fired": fired}), (pixels, {"fired": crowded})]
            asked += [(pixels, {"threshold": 0.1}), (pixels, {})]
    return asked


def _difference(found: Any, right: Any) -> float:
    """By how much the worst number is off, as a part of itself where it is above 1."""
    if not np.array_equal(found.fired, right.fired):
        return float("inf")
    return max(
        float((np.abs(a - b) / np.maximum(1, np.abs(b))).max(initial=0.0))
        for a, b in ((getattr(found, x), getattr(right, x)) for x in _FIELDS)
    )


_FIELDS = ("logits", "gate_scores", "weights", "features")

if __name__ == "__main__":
    main()
