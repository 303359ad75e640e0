"""`hydranet train`: from a data set to a checkpoint."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
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
from hydranet.training.recipe import Recipe

_DEFAULTS = {field.name: field.default for field in fields(Recipe)}


def train_command(
    model: Annotated[str, typer.Argument(help="Name of a network, see `hydranet models`.")],
    data: DataOption,
    epochs: Annotated[int, typer.Option(help="Passes over the training images.")] = 30,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a run stopped.")] = False,
    name: Annotated[str | None, typer.Option(help="Name of the checkpoint; the model's.")] = None,
    start: Annotated[
        str | None, typer.Option(help="Static checkpoint that a HydraNet begins as a copy of.")
    ] = None,
    subtasks: Annotated[str, typer.Option(help="clusters, superclasses or random.")] = "clusters",
    batch_size: Annotated[int, typer.Option(help="Images a step.")] = 128,
    learning_rate: Annotated[float, typer.Option(help="Peak of the triangle.")] = 0.2,
    warmup: Annotated[float, typer.Option(help="Share of steps until the peak.")] = 0.15,
    weight_decay: Annotated[float, typer.Option(help="On matrices and kernels.")] = 5e-4,
    label_smoothing: Annotated[float, typer.Option(help="From 0 to 1.")] = 0.1,
    gate_loss: Annotated[float, typer.Option(help="Weight of the gate's cross-entropy.")] = 0.5,
    gate_targets: Annotated[
        str, typer.Option(help="What the gate learns: subtask, or what the teacher thinks.")
    ] = "subtask",
    branch_loss: Annotated[
        float, typer.Option(help="Weight of each branch's own loss on its subtask.")
    ] = 0.0,
    load_balance: Annotated[
        float, typer.Option(help="Weight of the loss that spreads images over branches.")
    ] = 0.0,
    warmup_all_branches: Annotated[
        int, typer.Option(help="Epochs at the start in which all branches run.")
    ] = 0,
    teacher: Annotated[
        str | None, typer.Option(help="Checkpoint that the network learns from: distillation.")
    ] = None,
    distillation: Annotated[
        str, typer.Option(help="dkd (Zhao et al. 2022) or standardised (Sun et al. 2024).")
    ] = "dkd",
    distillation_weight: Annotated[
        float, typer.Option(help="Of the teacher's loss, times what its paper weighs it by.")
    ] = 1.0,
    label_loss: Annotated[float, typer.Option(help="Weight of the labels' cross-entropy.")] = 1.0,
    execution: Annotated[str, typer.Option(help="fired: only fired branches; or all.")] = "fired",
    precision: Annotated[str, typer.Option(help="auto, float32 or bfloat16.")] = "auto",
    compile: Annotated[str, typer.Option(help="auto, on or off.")] = "auto",
    validation_images: Annotated[int, typer.Option(help="Held out for choices.")] = 2000,
    seed: Annotated[int, typer.Option(help="Of weights, batches and split.")] = 0,
    image_size: Annotated[int, typer.Option(help="Side of the network's input, pixels.")] = 32,
    runs: Annotated[Path, typer.Option(help="Folder of unfinished runs.")] = Path("runs"),
    json: JsonOption = False,
    checkpoints: RootOption = None,
    download: DownloadOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
) -> None:
    """Train a network and write its checkpoint: weights, card and route log."""
    values = locals()
    recipe = Recipe(**{key: values[key] for key in _DEFAULTS if key in values})
    from hydranet.checkpoints import load
    from hydranet.data import load_images
    from hydranet.training.finish import finish
    from hydranet.training.loop import Progress
    from hydranet.training.run import train_model

    root = checkpoints_root(checkpoints)
    where = pick_device(device, threads)
    name = name or model
    images = load_images(data, "train", image_size=image_size, download=download)
    test = load_images(data, "test", image_size=image_size)
    with progress_bar("{task.fields[note]}") as bar:
        task = bar.add_task(f"Training {name}", total=None, note="")

        def show(progress: Progress) -> None:
            done = progress.epoch * progress.steps + progress.step
            note = (
                f"epoch {progress.epoch + 1}/{progress.epochs}, loss {progress.loss:.3f}, "
                f"{progress.images_per_second:.0f} images/s"
            )
            bar.update(task, completed=done, total=progress.epochs * progress.steps, note=note)
            if record := progress.record:
                hits = "" if record.hit_rate is None else f", hit rate {record.hit_rate:.1f} %"
                bar.console.print(
                    f"epoch {record.epoch + 1}: loss {record.loss:.4f}, top-1 training "
                    f"{record.train_top1:.2f} %, validation {record.validation_top1:.2f} %{hits}, "
                    f"{record.images_per_second:.0f} images/s"
                )

        run = train_model(
            model,
            images,
            recipe=recipe,
            load_network=lambda checkpoint: load(checkpoint, root),
            device=where,
            state_path=runs / name / "state.safetensors",
            resume=resume,
            on_progress=show,
        )
        measuring = bar.add_task("Evaluating", total=len(test), note="")
        card = finish(
            run,
            name=name,
            test=test,
            root=root,
            device=where,
            on_progress=lambda done, total: bar.update(measuring, completed=done, total=total),
        )
    if json:
        print_json(
            {
                "checkpoint": name,
                "folder": str(root / name),
                "top1": card.test.top1,
                "top5": card.test.top5,
                "epochs": len(card.history),
                "seconds": card.provenance.seconds,
            }
        )
    else:
        print(f"{root / name}: top-1 {card.test.top1:.2f} % on {card.test.images:,} test images.")
