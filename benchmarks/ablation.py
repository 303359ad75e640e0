"""What each choice about gate and branches gives: short runs of Hydra-Res-d1 on a validation split.

`python benchmarks/ablation.py DATA [VARIANT…]` trains ResNet-8 once, then from its weights one
Hydra-Res-d1 for each variant that `docs/performance/ablation.json` does not hold yet, and adds it
there; a run that was stopped goes on. `docs/draw_ablation.py` draws what is there. The test split
is not read: 10,000 training images are held out, neither network trains on them, and accuracy is
theirs. One run a variant, one seed. `difference` is that to "base" on the same images, `error` the
standard error of that difference over images; "seed-1" is there to show what a seed does.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MethodType
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from hydranet.costs import count_costs
from hydranet.data import LabelledImages, load_images
from hydranet.data.batches import LabelledBatches, batches_of
from hydranet.data.normalisation import Normalisation
from hydranet.evaluation.labelled import evaluate
from hydranet.machine import hardware, versions
from hydranet.models import HydraNet, Network, build
from hydranet.models.gate import Gate
from hydranet.registry import model_config
from hydranet.routing.routes import Route, top_k_route
from hydranet.training.backend import settle
from hydranet.training.loop import Progress, fit
from hydranet.training.recipe import Recipe
from hydranet.training.run import make_subtasks
from hydranet.training.upcycling import upcycle

RESULTS = Path(__file__).parent.parent / "docs" / "performance" / "ablation.json"
WORK = Path("runs") / "ablation"
STATIC, HYDRA = "resnet8", "hydra_res_d1"
CPU = torch.device("cpu")
HELD_OUT = 10_000
BASE_RECIPE = Recipe(epochs=15, validation_images=HELD_OUT)
RECIPE = Recipe(epochs=4, learning_rate=0.1, warmup=0.05, validation_images=HELD_OUT, start=STATIC)


@dataclass(frozen=True)
class Variant:
    """What differs from the base: settings of the recipe or of the network, in words too."""

    words: str
    recipe: dict[str, Any] = field(default_factory=dict)
    network: dict[str, Any] = field(default_factory=dict)
    softmax_over_all: bool = False


VARIANTS: dict[str, Variant] = {
    "base": Variant("gate loss 0.5, softmax over the chosen, clusters, N = 20, k = 4"),
    "seed-1": Variant("the same with another seed", {"seed": 1}),
    "cold": Variant("from random weights instead of ResNet-8", {"start": None}),
    "gate-loss-0": Variant("no gate loss", {"gate_loss": 0.0}),
    "gate-loss-0.1": Variant("gate loss 0.1", {"gate_loss": 0.1}),
    "gate-loss-1": Variant("gate loss 1", {"gate_loss": 1.0}),
    "softmax-all": Variant("weights: softmax over all branches", softmax_over_all=True),
    "warm-up": Variant("all branches run in the first epoch", {"warmup_all_branches": 1}),
    "branch-loss-0.5": Variant("branch loss 0.5", {"branch_loss": 0.5}),
    "balance-0.01": Variant("load balance 0.01", {"load_balance": 0.01}),
    "balance-0.1": Variant("load balance 0.1", {"load_balance": 0.1}),
    "superclasses": Variant("subtasks: the 20 superclasses", {"subtasks": "superclasses"}),
    "random": Variant("subtasks: random", {"subtasks": "random"}),
    "k-2": Variant("k = 2", network={"k": 2}),
    "k-8": Variant("k = 8", network={"k": 8}),
    "n-10": Variant("N = 10", network={"num_branches": 10}),
    "n-50": Variant("N = 50", network={"num_branches": 50}),
    "erase-8": Variant("a square of 8 pixels erased", {"erase": 8}),
    "decay-1e-3": Variant("weight decay 0.001", {"weight_decay": 1e-3}),
    "smoothing-0": Variant("no label smoothing", {"label_smoothing": 0.0}),
    "rate-0.2": Variant("learning rate 0.2", {"learning_rate": 0.2}),
}


@dataclass(frozen=True)
class Data:
    """Training and held-out images, and what both are normalised by."""

    train: LabelledImages
    held_out: LabelledImages
    normalisation: Normalisation

    def batches(self, images: LabelledImages) -> LabelledBatches:
        """Batches of `images`."""
        return batches_of(images, self.normalisation)


def read(folder: Path) -> Data:
    """The training split, a fifth of it held out."""
    images = load_images(folder, "train", image_size=32)
    train, held_out = images.split(HELD_OUT, seed=RECIPE.seed)
    return Data(train, held_out, Normalisation(*train.channel_statistics()))


def static_network(data: Data) -> Network:
    """ResNet-8 trained on the training images; kept for the next call."""
    path = WORK / f"{STATIC}.safetensors"
    torch.manual_seed(BASE_RECIPE.seed)
    model = build(model_config(STATIC))
    if path.exists():
        model.load_state_dict(load_file(path))
    else:
        _fit(model, data, BASE_RECIPE, STATIC)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: t.contiguous() for name, t in model.state_dict().items()}, path)
    return model.eval()


def run(name: str, data: Data, static: Network) -> dict[str, Any]:
    """One variant, trained and measured on the held-out images."""
    variant = VARIANTS[name]
    recipe = replace(RECIPE, **variant.recipe)
    torch.manual_seed(recipe.seed)
    model = build(model_config(HYDRA, **variant.network))
    assert isinstance(model, HydraNet)
    if recipe.start:
        upcycle(model, static)
    if variant.softmax_over_all:
        model.gate.route = MethodType(_softmax_over_all, model.gate)  # type: ignore[method-assign] # this one gate
    subtasks = make_subtasks(
        recipe, data.train, static, data.normalisation, model.config.num_branches, CPU
    )
    history = _fit(model, data, recipe, name, torch.from_numpy(subtasks))
    found = evaluate(model, data.batches(data.held_out), subtask_of_class=subtasks)
    right = found.routes.prediction == found.routes.label
    np.save(_right_path(name), right)
    k = model.config.k
    difference = right.astype(float) - np.load(_right_path("base")).astype(float)
    return {
        "words": variant.words,
        "recipe": variant.recipe,
        "network": variant.network,
        "top1": found.metrics.top1,
        "top1_all_branches": found.metrics.top1_by_k[-1],
        "hit_rate": found.metrics.hit_rate_by_k[k - 1],
        "busiest_branch": round(max(found.metrics.branch_load), 3),
        "training_top1": history[-1].train_top1,
        "macs": _macs(model, k),
        "difference": round(100 * float(difference.mean()), 2),
        "error": round(100 * float(difference.std() / len(difference) ** 0.5), 2),
        "seconds": round(sum(record.seconds for record in history)),
    }


def _softmax_over_all(gate: Gate, gate_scores: torch.Tensor, k: int, **_: object) -> Route:
    route = top_k_route(gate_scores, k)
    weights = gate_scores.softmax(dim=1).gather(1, route.indices)  # (B, k)
    return Route(route.indices, weights, route.num_branches)


def _macs(model: HydraNet, k: int) -> int:
    return count_costs(model.config).macs(k)


def _right_path(name: str) -> Path:
    return WORK / f"{name}.right.npy"


def _fit(
    model: Network,
    data: Data,
    recipe: Recipe,
    name: str,
    subtasks: torch.Tensor | None = None,
) -> list[Any]:
    def say(progress: Progress) -> None:
        if record := progress.record:
            print(
                f"{name}, epoch {record.epoch + 1} of {recipe.epochs}: held-out top-1 "
                f"{record.validation_top1:.2f} %, {record.images_per_second:.0f} images/s",
                file=sys.stderr,
            )

    try:
        return fit(
            model,
            data.batches(data.train),
            data.batches(data.held_out),
            recipe=settle(recipe, model, CPU),
            subtask_of_class=subtasks,
            state_path=WORK / name / "state.safetensors",
            resume=True,
            identity={"recipe": recipe.to_json(), "architecture": repr(model.config)},
            on_progress=say,
        )
    finally:
        torch.compiler.reset()


def main(arguments: list[str]) -> None:
    """Run what is missing."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"variants": {}}
    if not arguments or (unknown := [name for name in arguments[1:] if name not in VARIANTS]):
        known = f"; the variants are {', '.join(VARIANTS)}, not {unknown}" if arguments else ""
        sys.exit(f"Give the folder of the data set, and variants if not all are wanted{known}.")
    torch.set_num_threads(1)
    data = read(Path(arguments[0]))
    static = static_network(data)
    for name in arguments[1:] or list(VARIANTS):
        if name in results["variants"]:
            continue
        found = run(name, data, static)
        results["variants"][name] = found
        results |= {
            "network": HYDRA,
            "recipe": RECIPE.to_json(),
            "static": {"network": STATIC, "recipe": BASE_RECIPE.to_json()},
            "held_out_images": len(data.held_out),
            "training_images": len(data.train),
            "runs_a_variant": 1,
            "hardware": hardware(),
            "threads": 1,
            "versions": versions(),
        }
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
        print(json.dumps({name: found}))


if __name__ == "__main__":
    main(sys.argv[1:])
