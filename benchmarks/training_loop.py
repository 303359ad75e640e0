"""Training speed of `hydranet train` against a plain PyTorch loop, in one run.

`python benchmarks/training_loop.py [ROUNDS [IMAGES]]` prints one JSON object: images/s of both
loops for ResNet-20 and Hydra-Res-d1 (median, least and most over the rounds, the loops taking
turns) and the ratio of the medians. The plain loop is what one writes first: torchvision's
RandomCrop, RandomHorizontalFlip, ToTensor and Normalize on PIL images, a DataLoader with two
workers that stay, the same network, loss and optimiser, float32, eager. Both are timed once warm:
workers started, network compiled where the recipe has it so. Made-up images, since their content
does not change what is computed. Nothing else should run on the machine meanwhile. Needs
torchvision.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import reduce

import numpy as np
import torch
import torchvision
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from hydranet.data import ImageSet
from hydranet.data.batches import Batches
from hydranet.data.normalisation import Normalisation
from hydranet.machine import hardware, versions
from hydranet.models import HydraNet, create_model
from hydranet.training.backend import settle
from hydranet.training.loop import fit
from hydranet.training.losses import Targets, loss_terms
from hydranet.training.optimiser import make_optimiser
from hydranet.training.recipe import Recipe

NETWORKS = ("resnet20", "hydra_res_d1")
NORMALISATION = Normalisation((0.5,) * 3, (0.25,) * 3)
SUBTASKS = torch.arange(100) // 5
WORKERS = 2
RECIPE = Recipe(epochs=2)


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
    batches = Batches(images, NORMALISATION)
    few = Batches(images.subset(np.arange(50)), NORMALISATION)

    def measure() -> float:
        model = create_model(name)
        recipe = settle(RECIPE, model, torch.device("cpu"))
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
    )
    model = create_model(name)
    optimizer = make_optimiser(model, RECIPE)
    subtasks = SUBTASKS if isinstance(model, HydraNet) else None

    def measure() -> float:
        model.train()
        done, start = 0, time.perf_counter()
        for pixels, labels in loader:
            terms = loss_terms(model, model(pixels), Targets(labels, subtasks), RECIPE)
            optimizer.zero_grad()
            reduce(torch.add, terms.values()).backward()
            optimizer.step()
            done += len(labels)
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
    recipe = settle(RECIPE, create_model(name), torch.device("cpu"))
    return {
        "network": name,
        "precision": recipe.precision,
        "compile": recipe.compile,
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
    }


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1280
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
                "machine": hardware(),
                "threads": torch.get_num_threads(),
                "workers": WORKERS,
                "versions": {**versions(), "torchvision": torchvision.__version__},
                "batch_size": RECIPE.batch_size,
                "runs": [compare(name, images, rounds) for name in NETWORKS],
            }
        )
    )


if __name__ == "__main__":
    main()
