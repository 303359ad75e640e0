"""`hydranet evaluate`: the metrics of a card, measured now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from hydranet.cli.shared import (
    DataOption,
    DeviceOption,
    DownloadOption,
    JsonOption,
    RootOption,
    SkipOption,
    ThreadsOption,
    WorkersOption,
    checkpoints_root,
    pick_device,
    print_json,
    progress_bar,
    reading_workers,
)
from hydranet.errors import InputError

if TYPE_CHECKING:
    from hydranet.checkpoints import Checkpoint
    from hydranet.evaluation.labelled import Evaluation


def evaluate_command(
    checkpoint: Annotated[str, typer.Argument(help="Name of a checkpoint, or its folder.")],
    data: DataOption,
    write: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Put what is measured into the checkpoint: test metrics, routes, class features.",
        ),
    ] = False,
    json: JsonOption = False,
    checkpoints: RootOption = None,
    download: DownloadOption = None,
    skip_unreadable: SkipOption = False,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    workers: WorkersOption = None,
) -> None:
    """Measure accuracy, hit rate and the ceiling of a perfect gate on the test split."""
    from hydranet.checkpoints import find_checkpoint, load_model
    from hydranet.data import load_images
    from hydranet.data.batches import batches_of
    from hydranet.evaluation.labelled import evaluate

    where = pick_device(device, threads)
    found = find_checkpoint(checkpoint, checkpoints_root(checkpoints))
    model, card = load_model(found), found.card
    images = load_images(
        data,
        "test",
        image_size=card.architecture.image_size,
        download=download,
        skip_unreadable=skip_unreadable,
        workers=reading_workers(workers, where.type),
    )
    if images.class_names != card.class_names:
        raise InputError(
            f"{images.name} has {images.num_classes} classes that are not the "
            f"{len(card.class_names)} that {checkpoint} was trained on."
        )
    if write and images.sha256 != card.data.test_sha256:
        raise InputError(
            f"--write needs the images that {checkpoint} was tested on, but {images.name} holds "
            f"{len(images):,} others (its SHA-256 is not the card's). Evaluate without --write."
        )
    with progress_bar() as bar:
        task = bar.add_task("Evaluating", total=len(images))
        measured = evaluate(
            model.to(where),
            batches_of(images, card.normalisation, device=where),
            subtask_of_class=card.subtask_of_class,
            on_progress=lambda done, total: bar.update(task, completed=done),
        )
    if write:
        _write(found, measured)
    metrics = measured.metrics
    hit_rate, perfect_gate = (
        values[card.costs.k - 1] if values else None
        for values in (metrics.hit_rate_by_k, metrics.top1_perfect_gate_by_k)
    )
    if json:
        print_json(
            {
                "checkpoint": checkpoint,
                "images": metrics.images,
                "top1": metrics.top1,
                "top5": metrics.top5,
                "hit_rate": hit_rate,
                "top1_perfect_gate": perfect_gate,
                "top1_by_k": {str(k): v for k, v in enumerate(metrics.top1_by_k, 1)},
            }
        )
        return
    print(f"{checkpoint} on {metrics.images:,} test images of {images.name}:")
    print(
        f"  top-1 {metrics.top1:.2f} %, top-5 {metrics.top5:.2f} % (card: {card.test.top1:.2f} %)"
    )
    if hit_rate is not None:
        print(
            f"  hit rate {hit_rate:.2f} % at k = {card.costs.k}, top-1 {perfect_gate:.2f} % with a "
            "gate that ranks the right branch first"
        )
        by_k = ", ".join(f"{k}: {v:.2f}" for k, v in enumerate(metrics.top1_by_k, 1))
        print(f"  top-1 by k, in percent: {by_k}")


def _write(checkpoint: Checkpoint, measured: Evaluation) -> None:
    """The checkpoint anew with the same weights; its validation metrics, by which choices were
    made, stay."""
    from hydranet.checkpoints import WEIGHTS, write_checkpoint
    from hydranet.checkpoints.int8_note import INT8

    calibration = checkpoint.folder / INT8

    write_checkpoint(
        checkpoint.folder.parent,
        card=replace(checkpoint.card, name=checkpoint.name, test=measured.metrics),
        weights=(checkpoint.folder / WEIGHTS).read_bytes(),
        routes=measured.routes,
        class_features=measured.class_features,
        calibration=calibration.read_bytes() if calibration.is_file() else None,
    )
