"""`hydranet evaluate`: the metrics of a card, measured now."""

from __future__ import annotations

from typing import Annotated

import typer

from hydranet.cli.shared import (
    DataOption,
    DeviceOption,
    DownloadOption,
    JsonOption,
    RootOption,
    ThreadsOption,
    checkpoints_root,
    pick_device,
    print_json,
    progress_bar,
)
from hydranet.errors import InputError


def evaluate_command(
    checkpoint: Annotated[str, typer.Argument(help="Name of a checkpoint, or its folder.")],
    data: DataOption,
    json: JsonOption = False,
    checkpoints: RootOption = None,
    download: DownloadOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
) -> None:
    """Measure accuracy and hit rate on the test split."""
    from hydranet.checkpoints import load
    from hydranet.data import load_images
    from hydranet.data.batches import Batches
    from hydranet.evaluation import evaluate

    where = pick_device(device, threads)
    model = load(checkpoint, checkpoints_root(checkpoints))
    card = model.card
    assert card is not None, "a loaded network has its card"
    images = load_images(data, "test", image_size=card.architecture.image_size, download=download)
    if images.class_names != card.class_names:
        raise InputError(
            f"{images.name} has {images.num_classes} classes that are not the "
            f"{len(card.class_names)} that {checkpoint} was trained on."
        )
    with progress_bar() as bar:
        task = bar.add_task("Evaluating", total=len(images))
        metrics = evaluate(
            model.to(where),
            Batches(images, card.normalisation, device=where),
            subtask_of_class=card.subtask_of_class,
            on_progress=lambda done, total: bar.update(task, completed=done),
        ).metrics
    hit_rates = metrics.hit_rate_by_k
    hit_rate = hit_rates[card.costs.k - 1] if hit_rates else None
    if json:
        print_json(
            {
                "checkpoint": checkpoint,
                "images": metrics.images,
                "top1": metrics.top1,
                "top5": metrics.top5,
                "hit_rate": hit_rate,
                "top1_by_k": {str(k): v for k, v in enumerate(metrics.top1_by_k, 1)},
            }
        )
        return
    print(f"{checkpoint} on {metrics.images:,} test images of {images.name}:")
    print(
        f"  top-1 {metrics.top1:.2f} %, top-5 {metrics.top5:.2f} % (card: {card.test.top1:.2f} %)"
    )
    if hit_rate is not None:
        print(f"  hit rate {hit_rate:.2f} % at k = {card.costs.k}")
        by_k = ", ".join(f"{k}: {v:.2f}" for k, v in enumerate(metrics.top1_by_k, 1))
        print(f"  top-1 by k, in percent: {by_k}")
