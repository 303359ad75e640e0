"""What the cards of checkpoints say of their training, as one JSON object.

`python benchmarks/trained.py FOLDER…` prints for each checkpoint its recipe, hardware, versions and
time, what the test images gave, and top-1 by epoch: what the tables and curves of docs/training.md
are made of. It measures nothing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from hydranet.checkpoints import find_checkpoint
from hydranet.checkpoints.card import Card

RECIPE = (
    "epochs", "batch_size", "learning_rate", "warmup", "weight_decay", "label_smoothing", "start",
    "teacher", "distillation", "gate_loss", "gate_targets", "cutmix", "precision", "execution",
    "compile", "seed",
)  # fmt: skip


def told(card: Card) -> dict[str, Any]:
    """Of one network."""
    recipe, test, run = card.recipe.to_json(), card.test, card.provenance
    k = card.costs.k if card.costs.num_branches else None
    by_k = {
        "hit_rate": test.hit_rate_by_k,
        "top1_perfect_gate": test.top1_perfect_gate_by_k,
        "top1_all_branches": test.top1_by_k,
    }
    return {
        "name": card.name,
        "macs": card.costs.routed_macs,
        "k": k,
        "top1": test.top1,
        "top5": test.top5,
        **{
            name: values[-1 if name == "top1_all_branches" else k - 1]
            for name, values in by_k.items()
            if k and values
        },
        "recipe": {name: recipe[name] for name in RECIPE},
        "hardware": run.hardware,
        "versions": dict(run.versions),
        "seconds": run.seconds,
        "train_top1": [record.train_top1 for record in card.history],
        "validation_top1": [record.validation_top1 for record in card.history],
    }


def main() -> None:
    """Read and print."""
    cards = [find_checkpoint(Path(folder)).card for folder in sys.argv[1:]]
    print(json.dumps({"runs": [told(card) for card in cards]}, indent=1))


if __name__ == "__main__":
    main()
