"""Names of checkpoints that overwrite nothing by mistake. Light: no torch."""

from __future__ import annotations

import re
from pathlib import Path

from hydranet.checkpoints import find_checkpoint, is_free
from hydranet.config import ArchitectureConfig, BackboneConfig, HydraBackboneConfig
from hydranet.data.shards.files import data_folder
from hydranet.errors import InputError


def name_of(model: str | ArchitectureConfig) -> str:
    """What a checkpoint of a network is called: a registered network's name, or that of a library's
    classifier with the place where it is split, e.g. resnet18-layer4 or hydra-timm-resnet26-layer3.
    """
    if isinstance(model, str):
        return model
    assert isinstance(model, BackboneConfig | HydraBackboneConfig), "all others are registered"
    library = "" if model.library == "torchvision" else f"{model.library}-"
    kind = "hydra-" if isinstance(model, HydraBackboneConfig) else ""
    return f"{kind}{library}{model.backbone}-{model.split}"


def is_trained(name: str, root: Path, class_names: tuple[str, ...], image_size: int) -> bool:
    """Whether `root/name` is a checkpoint of these classes and of this image size."""
    try:
        card = find_checkpoint(name, root).card
    except InputError:
        return False
    return (card.class_names, card.architecture.image_size) == (class_names, image_size)


def free_name(
    model: str, data: Path, root: Path, class_names: tuple[str, ...], image_size: int
) -> str:
    """The name of a new checkpoint that takes the place of none of other classes or another size.

    The network's name; else with the data's folder behind it; else with the image size behind both.

    Raises:
        InputError: all three are taken.
    """
    folder = re.sub(r"[^A-Za-z0-9._-]+", "-", data_folder(data).name).strip("-.") or "own"
    names = [model, f"{model}-{folder}", f"{model}-{folder}-{image_size}px"]
    for name in names:
        if is_free(root / name) or is_trained(name, root, class_names, image_size):
            return name
    raise InputError(
        f"Checkpoints of other classes have the names {', '.join(names)} in {root}. Choose another "
        "with --name."
    )


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")


def check_folder_name(name: str) -> None:
    """Raise InputError unless `name` is that of a folder, and of no other place."""
    if not _NAME.fullmatch(name):
        raise InputError(
            "The name of a checkpoint must be 1 to 100 letters, digits, dots, dashes, underscores "
            f"or pluses, the first a letter or digit, not {name[:100]!r}. Choose another --name."
        )


def check_name(name: str, root: Path, class_names: tuple[str, ...]) -> None:
    """Raise InputError if it is no name, or a checkpoint of other classes would be overwritten."""
    check_folder_name(name)
    try:
        there = find_checkpoint(name, root).card.class_names
    except InputError:
        return  # none, or none that anybody could use
    if there != class_names:
        raise InputError(
            f"{root / name} was trained on other classes ({', '.join(there[:3])}, …) and would be "
            "overwritten. Choose another --name, or remove it first."
        )
