"""Training speed of Hydra-Res-d1 by execution: fired branches alone, all, all as one, in buckets.

`python benchmarks/training.py [ROUNDS]` prints one JSON object: images/s of each way (median, least
and most over the rounds, the ways taking turns) and the ratio of the medians of the first two.
Made-up images, since their content does not change what is computed. Nothing else should run on the
machine meanwhile.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from dataclasses import replace

import numpy as np
import torch

from hydranet.data import ImageSet
from hydranet.data.batches import Batches
from hydranet.data.normalisation import Normalisation
from hydranet.machine import hardware, versions
from hydranet.models import create_model
from hydranet.training.backend import settle
from hydranet.training.loop import fit
from hydranet.training.recipe import EXECUTIONS, Recipe

IMAGES = 1280


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    torch.set_num_threads(os.cpu_count() or 1)
    rng = np.random.default_rng(0)
    images = ImageSet(
        name="noise",
        images=rng.integers(0, 256, (IMAGES, 32, 32, 3), dtype=np.uint8),
        labels=rng.integers(0, 100, IMAGES),
        class_names=tuple(str(c) for c in range(100)),
    )
    batches = Batches(images, Normalisation((0.5,) * 3, (0.25,) * 3))
    few = Batches(images.subset(np.arange(50)), batches.normalisation)
    subtasks = torch.arange(100) // 5
    recipe = settle(Recipe(epochs=1), create_model("hydra_res_d1"), torch.device("cpu"))
    executions = [execution for execution in EXECUTIONS if execution != "auto"]
    speeds: dict[str, list[float]] = {execution: [] for execution in executions}
    for turn in range(rounds + 1):
        for execution in executions:
            history = fit(
                create_model("hydra_res_d1"),
                batches,
                few,
                recipe=replace(recipe, execution=execution),
                subtask_of_class=subtasks,
            )
            if turn:  # the first round warms up
                speeds[execution].append(history[0].images_per_second)
    report = {
        name: {
            "median": statistics.median(values),
            "min": min(values),
            "max": max(values),
            "n": len(values),
        }
        for name, values in speeds.items()
    }
    ratio = statistics.median(speeds["fired"]) / statistics.median(speeds["all"])
    print(
        json.dumps(
            {
                "machine": hardware(),
                "threads": torch.get_num_threads(),
                "versions": versions(),
                "precision": recipe.precision,
                "images_per_second": report,
                "fired_to_all": round(ratio, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
