"""How long the server takes to explain an image, and how exactly integrated gradients add up.

`python benchmarks/explain.py [--runs N] [--threads N] [--checkpoint NAME] [--data DIR] [--json]`
prints for the shipped checkpoint the time of a first prediction (the network loaded anew), of each
attribution method on the predicted class, and of a stability strip on each dial: median, least and
most over the runs, after one that is not counted. `--data`: a folder with CIFAR-100; then also the
convergence delta of integrated gradients over 50 test images, as a part of the difference that is
explained, with the route held and with it free. Nothing else should run on the machine meanwhile;
the deltas do not mind.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from captum.attr import IntegratedGradients
from PIL import Image
from rich.console import Console
from rich.table import Table
from torch import Tensor

from hydranet.checkpoints import load
from hydranet.data import load_images
from hydranet.explain.attributions import attribute
from hydranet.explain.dials import DIALS
from hydranet.explain.methods import METHODS
from hydranet.explain.stability_strip import stability
from hydranet.explain.targets import ClassLogit
from hydranet.intake.images import read_image
from hydranet.machine import hardware, versions
from hydranet.models import HydraNet
from hydranet.prediction import network_input, predict

PHOTO = Path(__file__).parent.parent / "app" / "samples" / "cat.jpg"
TARGETS_MS = {"grad-cam": 300, "integrated gradients": 1500, "occlusion": 3000}
DELTA_IMAGES, STEPS = 50, 64


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1, help="threads inside one operation")
    parser.add_argument("--checkpoint", default="hydra_res_d1")
    parser.add_argument("--data", type=Path, help="folder with CIFAR-100, for the deltas")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    report = {
        "machine": hardware(),
        "versions": {**versions(), "captum": version("captum")},
        "threads": given.threads,
        "checkpoint": given.checkpoint,
        "milliseconds": _times(given.checkpoint, given.runs),
    }
    if given.data:
        report["relative_delta"] = _deltas(given.checkpoint, given.data)
    if given.json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        _print(report)


def _times(checkpoint: str, runs: int) -> dict[str, dict[str, float]]:
    photo = read_image(PHOTO)
    model, x, answer = _ready(checkpoint, photo)
    work: dict[str, Callable[[], object]] = {
        "first prediction": lambda: predict(load(checkpoint), [photo], runs=1)
    }
    for method in METHODS:
        work[method.name] = partial(attribute, model, x, ClassLogit(answer), method.name)
    for dial in DIALS:
        work[f"strip: {dial.name}"] = partial(stability, model, photo, dial.name)
    return {name: _spread(_milliseconds(run, runs)) for name, run in work.items()}


def _ready(checkpoint: str, photo: Image.Image) -> tuple[HydraNet, Tensor, int]:
    """The network, the normalised image and the class that it gets."""
    model = load(checkpoint)
    if not isinstance(model, HydraNet) or model.card is None:
        raise SystemExit("This benchmark needs a HydraNet.")
    _, x = network_input(model.card, photo)
    with torch.no_grad():
        return model, x, int(model(x).logits.argmax())


def _milliseconds(run: Callable[[], object], runs: int) -> list[float]:
    found = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        run()
        found.append(1000 * (time.perf_counter() - start))
    return found[1:]


def _deltas(checkpoint: str, data: Path) -> dict[str, dict[str, float]]:
    """|delta| over |target at the image less target at the baseline|, for the predicted class."""
    images = load_images(data, "test").pixels(np.arange(DELTA_IMAGES))
    held, free = [], []
    for pixels in images:
        model, x, answer = _ready(checkpoint, Image.fromarray(pixels))
        found = attribute(model, x, ClassLogit(answer), "integrated gradients", steps=STEPS)
        held.append(found.relative_delta or 0.0)
        free.append(_free_delta(model, x, answer))
    return {"route held": _spread(held), "route free": _spread(free)}


def _free_delta(model: HydraNet, x: Tensor, answer: int) -> float:
    """As above, but the gate chooses anew at every point of the path."""
    values, delta = IntegratedGradients(lambda batch: model(batch).logits[:, answer]).attribute(
        x.clone().requires_grad_(),
        baselines=torch.zeros_like(x),
        n_steps=STEPS,
        return_convergence_delta=True,
    )
    return abs(float(delta)) / abs(float(values.detach().sum()) - float(delta))


def _spread(values: Iterable[float]) -> dict[str, float]:
    found = list(values)
    return {
        "median": statistics.median(found),
        "min": min(found),
        "max": max(found),
        "n": len(found),
    }


def _print(report: dict[str, Any]) -> None:
    parts = ", ".join(f"{name} {number}" for name, number in report["versions"].items())
    threads = f"{report['threads']} thread" + "s" * (report["threads"] > 1)
    table = Table(title=f"{report['checkpoint']} on {report['machine']}, {threads}; {parts}")
    for column in ("what", "median", "min to max", "n", "at most"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name, found in report["milliseconds"].items():
        limit = f"{TARGETS_MS[name]} ms" if name in TARGETS_MS else ""
        spread = f"{found['min']:.1f} to {found['max']:.1f} ms"
        table.add_row(name, f"{found['median']:.1f} ms", spread, str(found["n"]), limit)
    for name, found in report.get("relative_delta", {}).items():
        spread = f"{found['min']:.2%} to {found['max']:.2%}"
        table.add_row(f"relative delta, {name}", f"{found['median']:.2%}", spread, str(found["n"]))
    Console().print(table)


if __name__ == "__main__":
    main()
