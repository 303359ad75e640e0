"""Training speed of `hydranet train` against a plain PyTorch loop, in one run.

`python benchmarks/training_loop.py [ROUNDS [IMAGES [NETWORK…]]]` prints one JSON object: images/s
of both loops for each network (median, least and most over the rounds, the loops taking turns) and
the ratio of the medians. The plain loop is what one writes first: torchvision's RandomCrop,
RandomHorizontalFlip, ToTensor and Normalize on PIL images, a DataLoader with a worker a core that
stays, the same network, batch size, loss and optimiser, float32 as torch does it unless told
otherwise, eager. Both are timed once warm: workers started, network compiled where the recipe has
it so. Made-up images, since their content does not change what is computed. Nothing else should run
on the machine meanwhile. Needs torchvision. Where there is a GPU it is used, with larger batches,
and the report has beside it what the GPU multiplies and copies at best, in what kinds of kernels a
step of ours spends its time, and how many bytes a ResNet moves for an image.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
import torch
import torchvision
from PIL import Image
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from hydranet.config import ResNetConfig
from hydranet.config.base import stage_areas
from hydranet.costs import count_costs
from hydranet.data import ImageSet
from hydranet.data.batches import Batches
from hydranet.data.normalisation import Normalisation
from hydranet.machine import cores, hardware, versions
from hydranet.models import HydraNet, create_model
from hydranet.training.backend import settle
from hydranet.training.loop import Progress, fit
from hydranet.training.losses import Targets, loss_terms
from hydranet.training.optimiser import make_optimiser
from hydranet.training.recipe import Recipe

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
ON_GPU = DEVICE.type == "cuda"
NETWORKS = ("hydra_res_d1", "hydra_res_d2", "resnet56") if ON_GPU else ("resnet20", "hydra_res_d1")
IMAGES = 25_600 if ON_GPU else 1280
NORMALISATION = Normalisation((0.5,) * 3, (0.25,) * 3)
SUBTASKS = (torch.arange(100) // 5).to(DEVICE)
WORKERS = cores()
RECIPE = Recipe(epochs=2, batch_size=512 if ON_GPU else 128)

PROFILED = 20
"""Steps, from the third of an epoch on."""
KINDS = {
    "Triton's, normalisation and ReLU": ("triton_", "batch_norm"),
    "convolutions, gradients of weights": ("wgrad",),
    "convolutions, gradients of maps": ("dgrad",),
    "convolutions, forward": ("fprop", "convolve"),
    "matrix products": ("gemm", "cutlass", "cublas"),
    "copies": ("memcpy", "memset", "copy", "slice", "gather", "index", "scatter"),
}
"""Kinds of kernels by what stands in their names; the first kind that fits counts."""
REST = "the rest"

BYTES_A_VALUE = 2
PASSES_AT_LEAST, PASSES_APART = 5, 14
"""How often a step moves a value that a convolution puts out, or its gradient: see `moved`."""


class PilImages(Dataset[tuple[torch.Tensor, int]]):
    """An image set as torchvision's own data sets hand it out: one transformed image at a time."""

    def __init__(self, images: ImageSet) -> None:
        self.images = images
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop(32, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(NORMALISATION.mean, NORMALISATION.std),
            ]
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        pixels = Image.fromarray(self.images.images[index])
        return self.transform(pixels), int(self.images.labels[index])


def ours(name: str, images: ImageSet) -> Callable[[], float]:
    """One measurement of the project's loop: images/s of the second of two epochs."""
    batches = Batches(images, NORMALISATION, device=DEVICE)
    few = Batches(images.subset(np.arange(50)), NORMALISATION, device=DEVICE)

    def measure() -> float:
        model = create_model(name).to(DEVICE)
        recipe = settle(RECIPE, model, DEVICE)
        subtasks = SUBTASKS if isinstance(model, HydraNet) else None
        history = fit(model, batches, few, recipe=recipe, subtask_of_class=subtasks)
        return history[-1].images_per_second

    return measure


def plain(name: str, images: ImageSet) -> Callable[[], float]:
    """One measurement of the plain loop: images/s of one epoch."""
    loader = DataLoader(
        PilImages(images),
        batch_size=RECIPE.batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=WORKERS,
        persistent_workers=True,
        pin_memory=ON_GPU,
    )
    model = create_model(name).to(DEVICE)
    optimizer = make_optimiser(model, RECIPE)
    subtasks = SUBTASKS if isinstance(model, HydraNet) else None

    def measure() -> float:
        model.train()
        done, start = 0, time.perf_counter()
        for pixels, labels in loader:
            pixels, labels = (part.to(DEVICE, non_blocking=True) for part in (pixels, labels))
            terms = loss_terms(model, model(pixels), Targets(labels, subtasks), RECIPE)
            optimizer.zero_grad()
            reduce(torch.add, terms.values()).backward()
            optimizer.step()
            done += len(labels)
        if ON_GPU:
            torch.cuda.synchronize()
        return done / (time.perf_counter() - start)

    return measure


def compare(name: str, images: ImageSet, rounds: int) -> dict[str, object]:
    """Both loops in turns, `rounds` times after one round that warms up."""
    loops = {"hydranet": ours(name, images), "plain": plain(name, images)}
    speeds: dict[str, list[float]] = {loop: [] for loop in loops}
    for turn in range(rounds + 1):
        for loop, measure in loops.items():
            speed = measure()
            if turn:
                speeds[loop].append(speed)
    medians = {loop: statistics.median(values) for loop, values in speeds.items()}
    model = create_model(name)
    recipe = settle(RECIPE, model, DEVICE)
    config, in_bf16 = model.config, recipe.precision == "bfloat16"
    return {
        "network": name,
        "precision": recipe.precision,
        "compile": recipe.compile,
        "execution": recipe.execution if isinstance(model, HydraNet) else None,
        "macs": count_costs(model.config).routed_macs,
        "images_per_second": {
            loop: {
                "median": round(medians[loop], 1),
                "min": round(min(values), 1),
                "max": round(max(values), 1),
                "n": len(values),
            }
            for loop, values in speeds.items()
        },
        "hydranet_to_plain": round(medians["hydranet"] / medians["plain"], 2),
        **({"bytes": moved(config)} if in_bf16 and isinstance(config, ResNetConfig) else {}),
        **({"kernels": kernels(name, images)} if ON_GPU else {}),
    }


def moved(config: ResNetConfig) -> dict[str, int]:
    """Bytes that a step of training in bf16 moves for one image, if every map goes through memory.

    `least`: what a convolution puts out is written once and read once by the next, normalisation,
    addition and ReLU being part of one or the other; on the way back it is read once more, for the
    gradient of the next one's weights, and its own gradient is written and read once. Passes: 5.

    `apart`: convolutions and normalisation are kernels of their own. Forward the output is written,
    read for its mean and variance, read again and written normalised, and read by the next: 5. On
    the way back the gradient of the normalised map is written and read twice, for the sums of the
    normalisation and for what goes through it, the output beside it both times; the gradient of the
    output is written and read twice, for weights and for maps, and the normalised map once: 9.

    Left out of both: shortcuts with their additions, some two passes more for every two
    convolutions; weights, the picture, pooling and what follows it, which are little.
    """
    convolutions = (2 * config.n + 1, 2 * config.n, 2 * config.n)
    areas = stage_areas(config.image_size)
    values = sum(
        number * area * width
        for number, area, width in zip(convolutions, areas, config.widths, strict=True)
    )
    return {
        "least": PASSES_AT_LEAST * BYTES_A_VALUE * values,
        "apart": PASSES_APART * BYTES_A_VALUE * values,
    }


def kernels(name: str, images: ImageSet) -> dict[str, Any]:
    """What kinds of kernels the GPU computes with in an epoch of ours: see `by_kind`."""
    batches = Batches(images, NORMALISATION, device=DEVICE)
    few = Batches(images.subset(np.arange(50)), NORMALISATION, device=DEVICE)
    model = create_model(name).to(DEVICE)
    recipe = settle(replace(RECIPE, epochs=3), model, DEVICE)
    profiler = profile(activities=[ProfilerActivity.CUDA])

    def on_progress(progress: Progress) -> None:
        if progress.record is None and progress.epoch == 1 and progress.step == 2:
            profiler.start()
        if progress.record is None and progress.epoch == 1 and progress.step == 2 + PROFILED:
            torch.cuda.synchronize()
            profiler.stop()

    subtasks = SUBTASKS if isinstance(model, HydraNet) else None
    fit(model, batches, few, recipe=recipe, subtask_of_class=subtasks, on_progress=on_progress)
    return by_kind(profiler.key_averages())


def by_kind(events: Iterable[Any]) -> dict[str, Any]:
    """Milliseconds of kernels in one step, and each kind's share, of what the profiler averaged.

    Only what ran on the device counts: a call of the host, and a region that has a name, contain
    kernels that stand in the list themselves.
    """
    times = dict.fromkeys((*KINDS, REST), 0.0)
    for event in events:
        if event.device_type.name == "CUDA" and not event.is_user_annotation:
            times[kind_of(event.key)] += event.self_device_time_total
    total = sum(times.values())
    return {
        "milliseconds_a_step": round(total / PROFILED / 1000, 3),
        "shares": {kind: round(time / total, 4) for kind, time in times.items()},
    }


def kind_of(kernel: str) -> str:
    """One of `KINDS`, or the rest."""
    name = kernel.lower()
    return next((kind for kind, parts in KINDS.items() if any(p in name for p in parts)), REST)


def at_best() -> dict[str, float]:
    """What the GPU does at best: bf16 multiply-adds a second of a large matrix product, and bytes a
    second that a large copy reads and writes; medians of 20."""
    a, b = (torch.randn(8192, 8192, device=DEVICE, dtype=torch.bfloat16) for _ in range(2))
    one, two = (torch.randn(2**28, device=DEVICE) for _ in range(2))
    return {
        "bf16_tera_macs_a_second": round(8192**3 / _seconds(lambda: a @ b) / 1e12, 1),
        "copied_tb_a_second": round(2 * 4 * 2**28 / _seconds(lambda: two.copy_(one)) / 1e12, 3),
    }


def _seconds(function: Callable[[], object]) -> float:
    found = []
    for turn in range(23):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        function()
        end.record()
        torch.cuda.synchronize()
        if turn > 2:
            found.append(begin.elapsed_time(end) / 1000)
    return statistics.median(found)


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    count = int(sys.argv[2]) if len(sys.argv) > 2 else IMAGES
    names = sys.argv[3:] or NETWORKS
    torch.set_num_threads(os.cpu_count() or 1)
    rng = np.random.default_rng(0)
    images = ImageSet(
        name="noise",
        images=rng.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8),
        labels=rng.integers(0, 100, count),
        class_names=tuple(str(c) for c in range(100)),
    )
    print(
        json.dumps(
            {
                "machine": hardware(DEVICE.type),
                "at_best": at_best() if ON_GPU else None,
                "threads": torch.get_num_threads(),
                "workers": WORKERS,
                "versions": {**versions(), "torchvision": torchvision.__version__},
                "batch_size": RECIPE.batch_size,
                "runs": [compare(name, images, rounds) for name in names],
            }
        )
    )


if __name__ == "__main__":
    main()
