"""The networks that `hydranet train` is asked for: registered ones, and HydraNets on classifiers of
torchvision or timm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hydranet.errors import InputError
from hydranet.registry import model_config

if TYPE_CHECKING:
    from hydranet.config import ArchitectureConfig
    from hydranet.training.job import Job


def check_model(name: str, image_size: int, asked: dict[str, Any]) -> None:
    """Raise InputError if there is no such network, it cannot be cut as `asked`, or cannot see
    images of that size."""
    if "/" in name:
        from hydranet.models.hydrate import hydrate_config

        hydrate_config(name, image_size=image_size, **asked)
        return
    model_config(name, image_size=image_size)
    if asked:
        option = next(iter(asked)).replace("_", "-")
        raise InputError(
            f"--{option} is for a classifier of torchvision or timm, such as torchvision/resnet18, "
            f"but {name} is cut and narrowed as its configuration says. Leave it out."
        )


def model_of(
    name: str, job: Job, num_classes: int, asked: dict[str, Any]
) -> str | ArchitectureConfig:
    """A registered network's name as it is; a classifier's as the HydraNet that is made of it."""
    if "/" not in name:
        return name
    from hydranet.models.hydrate import hydrate_config

    return hydrate_config(
        name, num_classes=num_classes, image_size=job.image_size, branches=job.branches, k=job.k,
        **asked,
    )  # fmt: skip
