"""One network to train by name, from data on disk to a checkpoint: what `hydranet train` repeats.

A job is plain values, so that it can be sent to another process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from hydranet.checkpoints import find_checkpoint, load
from hydranet.checkpoints.card import Card
from hydranet.config import ArchitectureConfig
from hydranet.data.shards import ReadingFailed
from hydranet.errors import InputError
from hydranet.files import check_writable
from hydranet.registry import list_models, model_config
from hydranet.training.distillation import check_teacher
from hydranet.training.distributed import World, local_device
from hydranet.training.finish import check_test, finish
from hydranet.training.loop import Progress
from hydranet.training.names import check_name, name_of
from hydranet.training.plan import plan_architecture
from hydranet.training.recipe import Recipe
from hydranet.training.run import divide, train_model
from hydranet.training.source import Read, Source, class_names_of, look_at, read_splits

AUTO_START = "auto"


@dataclass(frozen=True, kw_only=True)
class Job:
    """Train `model` and write it as the checkpoint `root/name`. `model`: the name of a registered
    network, or a configuration that `hydrate_config` gives.

    `recipe.start` may be "auto": the static network that `model` is built on. `runs/name` holds
    the state of the unfinished run, `resume` goes on from it. `device`: cpu or cuda; `threads`: on
    the CPU. `download`: cifar10 or cifar100, to be fetched first. `branches` and `k`: as
    `plan_architecture` chooses unless given. `skip_unreadable`, `workers`: see `load_images`.
    """

    model: str | ArchitectureConfig
    name: str
    recipe: Recipe
    data: Path
    image_size: int
    root: Path
    runs: Path
    device: str = "cpu"
    threads: int = 1
    resume: bool = False
    download: str | None = None
    branches: int | None = None
    k: int | None = None
    skip_unreadable: bool = False
    workers: int = 1

    @property
    def source(self) -> Source:
        """The images it is trained on."""
        return Source(self.data, self.image_size, self.download, self.skip_unreadable, self.workers)

    @property
    def state(self) -> Path:
        """Where the state of the unfinished run is kept."""
        return self.runs / self.name / "state.safetensors"


def begin_anew(jobs: Iterable[Job]) -> None:
    """Remove the states of earlier runs, so that processes which torchrun starts again go on from
    this run or begin anew, but never from another."""
    for job in jobs:
        job.state.unlink(missing_ok=True)


@dataclass(frozen=True)
class Measured:
    """How far the evaluation at the end is, in images."""

    done: int
    total: int


Event = Read | Progress | Measured
Report = Callable[[Event], None]


def run_job(
    job: Job, report: Report = lambda event: None, world: World | None = None
) -> Card | None:
    """Train, measure, write; returns the card. Of the processes of a `world` the first measures,
    writes and returns it, the others wait and return None.

    Raises:
        InputError: anything that does not fit, see `train_model` and `finish`.
    """
    torch.set_num_threads(job.threads)
    world = world or World()
    try:
        card = _train_and_finish(job, report, world)
    except ReadingFailed:
        raise  # the other processes do not know, and wait for this one elsewhere
    except InputError:
        world.wait()
        raise
    finally:
        torch.compiler.reset()  # the next network of this process is compiled for itself
    world.wait()  # the next network may start from this one
    return card


def _train_and_finish(job: Job, report: Report, world: World) -> Card | None:
    device = local_device(job.device)
    if isinstance(job.model, str):  # what is wrong is said before long reading
        model_config(job.model, image_size=job.image_size)
    class_names = class_names_of(job.source, report)
    plan_architecture(
        job.model,
        num_classes=len(class_names),
        image_size=job.image_size,
        branches=job.branches,
        k=job.k,
    )
    check_name(job.name, job.root, class_names)
    if job.recipe.erase >= job.image_size:
        raise InputError(
            f"erase must be less than the image size, {job.image_size} pixels, or nothing of an "
            f"image would be left, not {job.recipe.erase}."
        )
    for folder in (job.root, job.runs):  # said before long training, not behind it
        check_writable(folder)
    recipe = replace(job.recipe, start=find_start(job.recipe.start, job.model))
    for needed in (recipe.start, recipe.teacher):
        if needed is not None:  # what is missing is said before long reading
            there = find_checkpoint(needed, job.root).card
            if needed == recipe.teacher:
                check_teacher(there.architecture, there, class_names, job.image_size)
    splits = read_splits(job.source, report)
    check_test(splits.test, splits.train.class_names)  # said before training, not behind it
    train, validation = divide(splits.train, splits.validation, recipe)
    train, validation, test = (
        look_at(images, split, job.source, report, world)
        for split, images in (("train", train), ("validation", validation), ("test", splits.test))
    )
    run = train_model(
        job.model,
        train,
        validation=validation,
        branches=job.branches,
        k=job.k,
        recipe=recipe,
        load_network=lambda name: load(name, job.root),
        device=device,
        state_path=job.state,
        resume=job.resume,
        world=world,
        on_progress=report,
    )
    if not world.is_main:
        return None
    return finish(
        run,
        name=job.name,
        test=test,
        root=job.root,
        device=device,
        on_progress=lambda done, total: report(Measured(done, total)),
    )


def static_of(model: str | ArchitectureConfig) -> str | ArchitectureConfig | None:
    """The static network that `model` is built on; None where it is built on none.

    Raises:
        InputError: no registered network is the one of a registered `model`.
    """
    config = model_config(model) if isinstance(model, str) else model
    if config.static == config:
        return None
    if not isinstance(model, str):
        return config.static
    for name in list_models():
        if model_config(name) == config.static:
            return name
    raise InputError(
        f"No registered network is the static one that {model} is built on. Name a checkpoint of "
        "it as --start."
    )


def find_start(start: str | None, model: str | ArchitectureConfig) -> str | None:
    """The checkpoint that `model` begins as a copy of: `start`, with "auto" looked up; None where
    it is built on no static network.

    Raises:
        InputError: "auto", and there is none; see `static_of`.
    """
    if start != AUTO_START:
        return start
    static = static_of(model)
    return None if static is None else name_of(static)
