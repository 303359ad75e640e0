"""What is to be trained, settled from the classes before a long run begins. Light: no torch."""

from __future__ import annotations

from dataclasses import replace

from hydranet.config import ArchitectureConfig, HydraConfig
from hydranet.errors import InputError
from hydranet.registry import model_config
from hydranet.subtasks import branches_for, fired_for

_VALIDATION_SHARE = 0.1
_MOST_VALIDATION_IMAGES = 2000


def plan_architecture(
    model: str,
    *,
    num_classes: int,
    image_size: int,
    branches: int | None = None,
    k: int | None = None,
) -> ArchitectureConfig:
    """The configuration of the registered network `model` for a data set.

    `branches` and `k` are those of `subtasks.branches_for` and `fired_for` unless given; a
    multi-head network, whose heads have no subtasks, keeps its own.

    Raises:
        InputError: the network is unknown, a number is out of range, there are more branches than
            classes, k is larger than the number of branches, or a static network is given either.
    """
    config = model_config(model, num_classes=num_classes, image_size=image_size)
    if not isinstance(config, HydraConfig):
        if branches is not None or k is not None:
            raise InputError(f"{model} is a static network: it has no branches, and no k.")
        return config
    if not config.has_subtasks:
        count = config.num_branches if branches is None else branches
        return replace(config, num_branches=count, k=min(config.k, count) if k is None else k)
    count = branches_for(num_classes) if branches is None else branches
    if count > num_classes:
        raise InputError(
            f"Every branch needs a class of its own: with {num_classes} classes there can be 1 to "
            f"{num_classes} branches, not {count}."
        )
    return replace(config, num_branches=count, k=fired_for(count) if k is None else k)


def validation_images_for(images: int) -> int:
    """How many of the training images are held out for choices where nobody says: a tenth, at most
    2,000."""
    return max(1, min(_MOST_VALIDATION_IMAGES, round(_VALIDATION_SHARE * images)))
