"""What a start from a trained network is worth on classes of one's own, against a cold start.

    python benchmarks/starts.py [EPOCHS] [SEEDS]

The classes are the ten of docs/tutorial.md, 288 training images; the checkpoint of other classes is
the shipped ResNet-8, trained on CIFAR-100. Prints top-1 on the 80 test images for every seed. The
seed changes weights, batches and the held-out images; the test images are always the same, and one
of them is 1.25 points.
"""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import torch

from hydranet.checkpoints import load
from hydranet.data import LabelledImages, load_images
from hydranet.data.batches import batches_of
from hydranet.evaluation.labelled import evaluate
from hydranet.machine import hardware, versions
from hydranet.models import Network
from hydranet.training.recipe import Recipe
from hydranet.training.run import TrainedRun, train_model

TUTORIAL = Path(__file__).parents[1] / "docs" / "tutorial.md"
OTHERS = "resnet8"
CPU = torch.device("cpu")


def images_of_the_tutorial() -> tuple[LabelledImages, LabelledImages]:
    """(training images, test images), drawn by the tutorial's own code."""
    code = re.search(r"^```python\n(.*?)^```", TUTORIAL.read_text(), re.MULTILINE | re.DOTALL)
    assert code is not None, "the tutorial draws its images"
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        exec(code[1], {})  # the project's own text
        return load_images("shapes", "train"), load_images("shapes", "test")


def train(
    model: str, images: LabelledImages, recipe: Recipe, start: Network | None, **changes: str
) -> TrainedRun:
    """One run; `start` is the network that it begins as a copy of."""
    recipe = replace(recipe, start="start" if start else None, **changes)  # type: ignore[arg-type] # of many types
    return train_model(
        model, images, recipe=recipe, load_network=lambda name: _given(start), device=CPU
    )


def _given(start: Network | None) -> Network:
    assert start is not None, "it is only asked for where there is one"
    return start


def top1(run: TrainedRun, test: LabelledImages) -> float:
    """In percent."""
    return evaluate(run.model, batches_of(test, run.normalisation)).metrics.top1


def main(epochs: int, seeds: int) -> None:
    """Train every kind of start with every seed."""
    torch.set_num_threads(1)
    images, test = images_of_the_tutorial()
    others = load(OTHERS)
    found: dict[str, list[float]] = {}
    for seed in range(seeds):
        recipe = Recipe(
            epochs=epochs, batch_size=32, learning_rate=0.1, seed=seed, compile="off",
            precision="float32",
        )  # fmt: skip
        cold = train("resnet8", images, recipe, None)
        warm = train("resnet8", images, recipe, others)
        runs = {
            "ResNet-8, cold": cold,
            "ResNet-8 from ResNet-8 of other classes": warm,
            "Hydra-Res-d1, cold, random subtasks": train(
                "hydra_res_d1", images, recipe, None, subtasks="random"
            ),
            "Hydra-Res-d1 from the cold ResNet-8": train(
                "hydra_res_d1", images, recipe, cold.model
            ),
            "Hydra-Res-d1 from ResNet-8 of other classes": train(
                "hydra_res_d1", images, recipe, others
            ),
            "Hydra-Res-d1 from the warm ResNet-8": train(
                "hydra_res_d1", images, recipe, warm.model
            ),
        }
        for name, run in runs.items():
            found.setdefault(name, []).append(top1(run, test))
    print(f"{epochs} epochs; {hardware()}; {versions()}")
    for name, values in found.items():
        shown = ", ".join(f"{value:.1f}" for value in values)
        print(f"{name}: median {statistics.median(values):.1f} % ({shown})")


if __name__ == "__main__":
    main(*(int(argument) for argument in [*sys.argv[1:], "5", "3"][:2]))
