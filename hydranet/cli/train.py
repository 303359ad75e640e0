"""`hydranet train`: from a data set to checkpoints, of one network or of several."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from hydranet.cli.train_models import check_model, model_of
from hydranet.errors import InputError
from hydranet.training.recipe import Recipe

if TYPE_CHECKING:
    from hydranet.checkpoints.card import Card
    from hydranet.training.distributed import World
    from hydranet.training.job import Event, Job
    from hydranet.training.queue import Queue
    from hydranet.training.several import OnEvent

_DEFAULTS = {field.name: field.default for field in fields(Recipe)}


def train_command(
    models: Annotated[
        list[str],
        typer.Argument(
            help="Names of networks, see `hydranet models`; or torchvision/NAME, timm/NAME: a "
            "HydraNet on that classifier."
        ),
    ],
    data: DataOption,
    epochs: Annotated[int, typer.Option(help="Passes over the training images.")] = 30,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a run stopped.")] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Networks trained at a time, each in a process of its own: all of them on a GPU, "
            "one on a CPU, unless given.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            help="Name of the checkpoint: the network's, with the folder's behind it where a "
            "checkpoint of other classes has that name, unless given."
        ),
    ] = None,
    branches: Annotated[
        int | None,
        typer.Option(help="Number of branches N: about 2·√classes, unless given."),
    ] = None,
    k: Annotated[
        int | None, typer.Option(help="Branches that run for an image: 1 to 4, unless given.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Of a classifier of torchvision or timm, the first part that branches have of "
            "their own: the last place where the resolution falls, unless given."
        ),
    ] = None,
    width: Annotated[
        float | None, typer.Option(help="Share of its channels that a branch has: 0.25.")
    ] = None,
    gate_width: Annotated[
        float | None, typer.Option(help="Share of its channels that the gate has: 0.125.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="Static checkpoint to begin as a copy of, of any classes; auto, and for subtasks "
            "by clusters unless given: the static network that a HydraNet is built on, trained "
            "first where there is none of these classes."
        ),
    ] = None,
    subtasks: Annotated[str, typer.Option(help="clusters, superclasses or random.")] = "clusters",
    batch_size: Annotated[int, typer.Option(help="Images a step.")] = 128,
    learning_rate: Annotated[float, typer.Option(help="Peak of the triangle.")] = 0.2,
    warmup: Annotated[float, typer.Option(help="Share of steps until the peak.")] = 0.15,
    weight_decay: Annotated[float, typer.Option(help="On matrices and kernels.")] = 5e-4,
    label_smoothing: Annotated[float, typer.Option(help="From 0 to 1.")] = 0.1,
    erase: Annotated[
        int, typer.Option(help="Side of the square erased from each training image, pixels.")
    ] = 0,
    cutmix: Annotated[
        float, typer.Option(help="Share of training images with a patch of another one, 0 to 1.")
    ] = 0.0,
    clip_norm: Annotated[
        float, typer.Option(help="Longest gradient of all parameters together, 0 for any.")
    ] = 0.0,
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
    freeze_trunk: Annotated[
        int, typer.Option(help="Epochs at the start in which a HydraNet's stem stays as it is.")
    ] = 0,
    dirichlet: Annotated[
        float,
        typer.Option(help="Concentration of the draw of images for each head; 0: equal weights."),
    ] = 0.0,
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
    execution: Annotated[
        str,
        typer.Option(
            help="auto; fired: only fired branches; buckets: in fixed shapes; all; grouped."
        ),
    ] = "auto",
    precision: Annotated[str, typer.Option(help="auto, float32 or bfloat16.")] = "auto",
    compile: Annotated[str, typer.Option(help="auto, on or off.")] = "auto",
    validation_images: Annotated[
        int | None,
        typer.Option(help="Held out for choices: a tenth, at most 2,000, unless given."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of weights, batches and split.")] = 0,
    image_size: Annotated[int, typer.Option(help="Side of the network's input, pixels.")] = 32,
    skip_unreadable: SkipOption = False,
    runs: Annotated[Path, typer.Option(help="Folder of unfinished runs.")] = Path("runs"),
    log: Annotated[
        str | None,
        typer.Option(help="tensorboard: training curves into RUNS/NAME, for its own viewer."),
    ] = None,
    json: JsonOption = False,
    checkpoints: RootOption = None,
    download: DownloadOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    workers: WorkersOption = None,
) -> None:
    """Train networks and write their checkpoints: weights, card and route log.

    One that fails does not stop the others: the exit code is 2 then, and a sentence says why.
    Under torchrun, `torchrun --nproc-per-node N -m hydranet train …`, N processes share each batch;
    with its --max-restarts a lost one is replaced, and all go on from the last whole epoch.
    """
    values = locals()
    recipe = Recipe(**{key: values[key] for key in _DEFAULTS if key in values})
    if name is not None and len(models) > 1:
        raise InputError(
            f"--name is for one network, but {len(models)} are to be trained. Leave it out: each "
            "checkpoint has the name of its network then."
        )
    from hydranet.cli.train_log import training_logs
    from hydranet.training.distributed import (
        is_launched,
        is_restarted,
        join_world,
        local_device,
        local_processes,
    )
    from hydranet.training.job import Job, begin_anew
    from hydranet.training.names import check_folder_name
    from hydranet.training.queue import make_queue
    from hydranet.training.source import class_names_of

    if name is not None:
        check_folder_name(name)
    where = pick_device(device, threads).type
    at_once = min(jobs or (len(models) if where == "cuda" else 1), len(models))
    sharing = at_once
    if is_launched():  # all processes work on one network, then on the next
        at_once, sharing = 1, local_processes()
    root = checkpoints_root(checkpoints)
    wanted = [
        Job(
            model=model,
            name=name or "",
            recipe=recipe,
            data=data,
            image_size=image_size,
            root=root,
            runs=runs,
            device=where,
            threads=threads or max((os.cpu_count() or 1) // sharing, 1),
            resume=resume or is_restarted(),
            download=download,
            branches=branches,
            k=k,
            skip_unreadable=skip_unreadable,
            workers=reading_workers(workers, where, sharing),
        )
        for model in models
    ]
    given = {"split": split, "width": width, "gate_width": gate_width}
    asked = {option: value for option, value in given.items() if value is not None}
    for model in models:  # what is wrong is said before data are read
        check_model(model, image_size, asked)
    class_names = class_names_of(wanted[0].source)
    wanted = [
        replace(job, model=model_of(name, job, len(class_names), asked))
        for name, job in zip(models, wanted, strict=True)
    ]
    queue = make_queue(wanted, class_names)
    with (
        join_world(local_device(where)) as world,
        training_logs(log, [*queue.first, *queue.then] if world.is_main else []) as log_event,
    ):
        if is_launched() and world.is_main and not (resume or is_restarted()):
            begin_anew([*queue.first, *queue.then])
        cards, errors = _train(queue, at_once, world, log_event)
        if not world.is_main:
            raise typer.Exit(2 if errors else 0)  # the first process says it all
    if json and cards:
        trained = [_summary(card, root) for card in cards]
        print_json(trained[-1] if len(models) == 1 else {"trained": trained})
    elif json and len(models) > 1:
        print_json({"trained": []})
    else:
        for card in cards:
            print(
                f"{root / card.name}: top-1 {card.test.top1:.2f} % on "
                f"{card.test.images:,} test images."
            )
    if errors:
        raise InputError("\n".join(errors))


def _train(
    queue: Queue, at_once: int, world: World, log_event: OnEvent
) -> tuple[list[Card], list[str]]:
    """The cards of the networks that were trained, and why the others were not."""
    from hydranet.cli.train_progress import TrainingBars
    from hydranet.training.job import run_job
    from hydranet.training.several import train_several

    every = [*queue.first, *queue.then]
    with progress_bar("{task.fields[note]}") if world.is_main else nullcontext() as bar:
        bars = TrainingBars(bar, every)
        bars.announce(queue.added)

        def on_event(job: Job, event: Event) -> None:
            bars(job, event)
            log_event(job, event)

        if len(every) > 1:
            outcomes = [
                outcome
                for jobs in (queue.first, queue.then)
                for outcome in train_several(jobs, at_once=at_once, on_event=on_event, world=world)
            ]
            cards = [outcome.card for outcome in outcomes if outcome.card]
            return cards, [f"{o.job.name}: {o.error}" for o in outcomes if o.error]
        try:
            card = run_job(every[0], partial(on_event, every[0]), world)
        except InputError as error:
            return [], [str(error)]
        return [card] if card else [], []


def _summary(card: Card, root: Path) -> dict[str, Any]:
    return {
        "checkpoint": card.name,
        "folder": str(root / card.name),
        "top1": card.test.top1,
        "top5": card.test.top5,
        "epochs": len(card.history),
        "seconds": card.provenance.seconds,
    }
