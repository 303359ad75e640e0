"""What is to be trained, settled from the classes before a long run begins. Light: no torch."""

from __future__ import annotations

from dataclasses import replace

from hydranet.config import ArchitectureConfig, DynamicConfig, ResSepConfig
from hydranet.errors import InputError
from hydranet.registry import model_config
from hydranet.subtasks import branches_for, fired_for

_LEAST_OF_RESSEP = 32
_VALIDATION_SHARE = 0.1
_MOST_VALIDATION_IMAGES = 2000


def plan_architecture(
    model: str | ArchitectureConfig,
    *,
    num_classes: int,
    image_size: int,
    branches: int | None = None,
    k: int | None = None,
) -> ArchitectureConfig:
    """The configuration of a network for a data set.

    `model`: a registered name, or a configuration, such as that of a network from `hydrate`.
    `branches` and `k`, unless given: for a name those of `subtasks.branches_for` and `fired_for`;
    for a configuration, or a network whose branches have no subtasks, its own; of branches in a row
    all may run.

    Raises:
        InputError: the network is unknown, a number is out of range, there are more branches than
            classes, k is larger than the number of branches, or a static network is given either.
    """
    if isinstance(model, str):
        config = model_config(model, num_classes=num_classes, image_size=image_size)
    else:
        config = replace(model, num_classes=num_classes, image_size=image_size)
    if isinstance(config.static, ResSepConfig) and image_size <= _LEAST_OF_RESSEP:
        raise InputError(
            f"{config.title} halves an image five times, and no batch norm can learn from the one "
            f"pixel that is left of {image_size}×{image_size}. Choose an image size above "
            f"{_LEAST_OF_RESSEP}."
        )
    if not isinstance(config, DynamicConfig):
        if branches is not None or k is not None:
            name = model if isinstance(model, str) else config.title
            raise InputError(f"{name} is a static network: it has no branches, and no k.")
        return config
    if isinstance(model, str) and config.has_subtasks:
        count = branches_for(num_classes) if branches is None else branches
        fired = fired_for(max(count, 1))
    else:
        count = config.num_branches if branches is None else branches
        every = config.policy.in_a_row or not config.policy.gate  # those that no gate left out
        fired = count if every else min(config.k, count)
    if config.has_subtasks and count > num_classes:
        raise InputError(
            f"Every branch needs a class of its own: with {num_classes} classes there can be 1 to "
            f"{num_classes} branches, not {count}."
        )
    return replace(config, num_branches=count, k=fired if k is None else k)


def validation_images_for(images: int) -> int:
    """How many of the training images are held out for choices where nobody says: a tenth, at most
    2,000."""
    return max(1, min(_MOST_VALIDATION_IMAGES, round(_VALIDATION_SHARE * images)))
