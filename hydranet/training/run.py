"""One training run from end to end: data → subtasks → network → fit → checkpoint."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from hydranet.checkpoints.card import MOST_TRAININGS, Training
from hydranet.config import ArchitectureConfig, MultiHeadConfig
from hydranet.data import LabelledImages
from hydranet.data.batches import batches_of, evaluation_batch
from hydranet.data.normalisation import Normalisation
from hydranet.errors import InputError
from hydranet.models import DynamicNetwork, HydraNet, Network, StaticNetwork, build
from hydranet.registry import model_config
from hydranet.subtasks import balanced_clusters, number_by_first_class, random_subtasks
from hydranet.training.backend import settle
from hydranet.training.distillation import Teacher, prepare_teacher
from hydranet.training.distributed import World
from hydranet.training.history import EpochRecord
from hydranet.training.loop import ProgressCallback, fit
from hydranet.training.plan import plan_architecture, validation_images_for
from hydranet.training.recipe import Recipe
from hydranet.training.upcycling import goes_on, upcycle


@dataclass(frozen=True)
class TrainedRun:
    """A network after training, and all that its card needs to say about how it came to be."""

    model: Network
    config: ArchitectureConfig
    recipe: Recipe
    normalisation: Normalisation
    subtask_of_class: NDArray[np.int64] | None
    train: LabelledImages
    validation: LabelledImages
    history: list[EpochRecord]
    seconds: float
    before: tuple[Training, ...] = ()


def train_model(
    model: str | ArchitectureConfig,
    images: LabelledImages,
    *,
    recipe: Recipe,
    load_network: Callable[[str], Network],
    device: torch.device,
    validation: LabelledImages | None = None,
    branches: int | None = None,
    k: int | None = None,
    state_path: Path | None = None,
    resume: bool = False,
    world: World | None = None,
    on_progress: ProgressCallback = lambda progress: None,
) -> TrainedRun:
    """Train a network on `images`, of which a part is held out unless `validation` is given.

    `model`: a registered name or a configuration. `branches`, `k`: as `plan_architecture` chooses
    unless given; with subtasks by superclass there are as many branches as superclasses.
    `load_network` gives the trained network of a checkpoint name; it is asked where the recipe
    names one in `start` or `teacher`. `world`: the processes that share the work.

    Raises:
        InputError: the recipe, the data and the network do not fit, or training diverged.
    """
    asked = model_config(model) if isinstance(model, str) else model
    if recipe.subtasks == "superclasses" and asked.has_subtasks:
        branches = branches or len(set(images.superclasses or ())) or None
    config = plan_architecture(
        model,
        num_classes=images.num_classes,
        image_size=images.side,
        branches=branches,
        k=k,
    )
    train, validation = divide(images, validation, recipe)
    recipe = replace(recipe, validation_images=len(validation))
    train.check_every_class_has_images()
    mean, std = train.channel_statistics()
    if not all(std):
        raise InputError(
            f"The training images of {train.name} must differ in red, green and blue, but in at "
            "least one of these every pixel of all images is the same. Take other images."
        )
    normalisation = Normalisation(mean, std)
    torch.manual_seed(recipe.seed)
    network = build(config)
    teacher = _teacher(recipe, load_network, train, normalisation, device)
    recipe = _without_what_does_not_apply(settle(recipe, network, device), network)
    subtask_of_class = None
    start = load_network(recipe.start) if recipe.start else None
    if start is not None and goes_on(network, start, class_names=train.class_names):
        subtask_of_class = _subtasks_of(start)
    else:
        if start is not None:
            upcycle(network, start, class_names=train.class_names)
        if isinstance(network, HydraNet) and network.config.has_subtasks:
            subtask_of_class = make_subtasks(
                recipe, train, start, normalisation, network.config.num_branches, device, world
            )
    network.to(device)
    began = time.perf_counter()
    history = fit(
        network,
        batches_of(train, normalisation, device=device),
        batches_of(validation, normalisation, device=device),
        recipe=recipe,
        subtask_of_class=_to_tensor(subtask_of_class, device),
        teacher=teacher,
        world=world,
        state_path=state_path,
        resume=resume,
        identity={
            "architecture": json.loads(json.dumps(config.to_json())),
            "recipe": recipe.to_json(),
            "data": train.sha256,
            **_weights_of("start", start),
            **_weights_of("teacher", None if teacher is None else teacher.model),
        },
        on_progress=on_progress,
    )
    seconds = max(sum(record.seconds for record in history), time.perf_counter() - began)
    return TrainedRun(
        network, config, recipe, normalisation, subtask_of_class, train, validation, history,
        seconds, _trainings_of(start),
    )  # fmt: skip


def divide(
    images: LabelledImages, validation: LabelledImages | None, recipe: Recipe
) -> tuple[LabelledImages, LabelledImages]:
    """(training images, validation images), of which the second are held out unless given.

    Raises:
        InputError: a class has no image, or the validation images are of other classes.
    """
    images.check_every_class_has_images()
    if validation is None:
        count = recipe.validation_images or validation_images_for(len(images))
        return images.split(count, seed=recipe.seed)
    if validation.class_names != images.class_names:
        raise InputError(
            f"The validation split of {images.name} must have the classes of its training split, "
            "in the same order."
        )
    return images, validation


def _without_what_does_not_apply(recipe: Recipe, model: Network) -> Recipe:
    """So that a card does not show settings that had no effect on its network."""
    if not isinstance(model, DynamicNetwork):
        recipe = replace(recipe, freeze_trunk=0)
    if not isinstance(model.config, MultiHeadConfig):
        recipe = replace(recipe, dirichlet=0.0)
    if not model.config.has_subtasks:
        recipe = replace(recipe, gate_loss=0.0, branch_loss=0.0)
    if not model.config.has_gate:
        recipe = replace(recipe, load_balance=0.0, warmup_all_branches=0)
    return recipe


def _teacher(
    recipe: Recipe,
    load_network: Callable[[str], Network],
    images: LabelledImages,
    normalisation: Normalisation,
    device: torch.device,
) -> Teacher | None:
    if recipe.teacher is None:
        return None
    return prepare_teacher(
        load_network(recipe.teacher),
        recipe=recipe,
        class_names=images.class_names,
        image_size=images.side,
        normalisation=normalisation,
        device=device,
    )


def _weights_of(role: str, other: Network | None) -> dict[str, str]:
    """The weights of another network that a run needs are part of what the run is: with others it
    would give another network, and other subtasks."""
    if other is None or other.card is None:
        return {}
    return {role: other.card.weights_sha256}


def _trainings_of(start: Network | None) -> tuple[Training, ...]:
    """The trainings of the checkpoint that a network starts from, the last ones of very many."""
    if start is None or start.card is None:
        return ()
    return start.card.trainings[-MOST_TRAININGS:]


def _subtasks_of(model: Network) -> NDArray[np.int64] | None:
    """Those that a trained network's branches were made for."""
    own = None if model.card is None else model.card.subtask_of_class
    return None if own is None else np.asarray(own, np.int64)


def _to_tensor(values: NDArray[np.int64] | None, device: torch.device) -> torch.Tensor | None:
    return None if values is None else torch.from_numpy(values).to(device)


def make_subtasks(
    recipe: Recipe,
    images: LabelledImages,
    static: Network | None,
    normalisation: Normalisation,
    num_branches: int,
    device: torch.device,
    world: World | None = None,
) -> NDArray[np.int64]:
    """The subtask of each class, as the recipe asks: (C,) int64.

    Raises:
        InputError: clusters without a static network, superclasses where the data set has none, or
            a number of them that differs from the number of branches.
    """
    if recipe.subtasks == "random":
        return random_subtasks(images.num_classes, num_branches, seed=recipe.seed)
    if recipe.subtasks == "superclasses":
        groups = images.superclasses
        if groups is None or len(set(groups)) != num_branches:
            raise InputError(
                f"Subtasks by superclass need as many superclasses as branches ({num_branches}), "
                f"but {images.name} has {len(set(groups)) if groups else 'none'}. "
                "Use clusters, which suit any data set."
            )
        return number_by_first_class(np.asarray(groups, np.int64))
    if static is None:
        raise InputError(
            "Subtasks by clusters are made from the features of a trained static network. "
            "Name its checkpoint as start, or use superclasses or random subtasks."
        )
    features = class_features(static, images, normalisation, device=device, world=world)
    return balanced_clusters(features, num_branches, seed=recipe.seed)


@torch.no_grad()
def class_features(
    static: Network,
    images: LabelledImages,
    normalisation: Normalisation,
    *,
    device: torch.device | str = "cpu",
    batch_size: int | None = None,
    world: World | None = None,
) -> NDArray[np.float64]:
    """The mean over each class of what the output layer sees: (C, D).

    Every class must have an image. `world`: the processes that share the work.

    Raises:
        InputError: `static` is not a static network.
    """
    if not isinstance(static, StaticNetwork):
        raise InputError(
            f"Class features come from a static network, not from a {type(static).__name__}."
        )
    static.to(device).eval()
    batch_size = batch_size or evaluation_batch(replace(static.config, image_size=images.side))
    sums: torch.Tensor | None = None
    world = world or World()
    batches = batches_of(images, normalisation, device=device)
    for batch, labels in batches.in_order(batch_size, rank=world.rank, ranks=world.size):
        features = static.features(batch).double()  # (B, D)
        if sums is None:
            sums = features.new_zeros(images.num_classes, features.shape[1])
        sums.index_add_(0, labels, features)
    assert sums is not None, "a data set is never empty"
    counts = np.bincount(images.labels, minlength=images.num_classes)
    return world.sum(sums).cpu().numpy() / counts[:, None]
