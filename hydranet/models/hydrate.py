"""A library's classifier turned into a HydraNet: the template as a function.

Source: HydraNets, CVPR 2018, section 3: "turns a static classifier into a wide network". Which
layers of networks other than its own are shared is open there; here the caller says where to split,
and the default is the last place where the resolution falls.
"""

from __future__ import annotations

import typing
from typing import Any

import torch
from torch import Tensor, nn

from hydranet.config.backbone import HydraBackboneConfig
from hydranet.errors import InputError
from hydranet.models.backbone import (
    chain_template,
    in_order,
    library_model,
    on_meta,
    split_places,
    templates_of,
)
from hydranet.models.chain import Chain, chain_of, check_chain
from hydranet.models.hydra import Branch, HydraNet
from hydranet.models.narrow import NOT_RUNNING
from hydranet.subtasks import branches_for, fired_for

_CHECKED_SIZE = 64
"""Of images on which a network is compared with its parts in order."""


def hydrate(
    model: nn.Module | str,
    *,
    split: str | None = None,
    branches: int | None = None,
    width: float = 0.25,
    gate_width: float = 0.125,
    k: int | None = None,
    num_classes: int | None = None,
    image_size: int = 224,
) -> HydraNet:
    """A HydraNet on a classifier of torchvision or timm.

    `model`: the classifier as the library built it, whose stem's weights are copied, the branches'
    too where `width` is 1; or its name, e.g. "resnet18" (torchvision) or "timm/resnet18", freshly
    initialised and without download. `split`: the first part that branches have of their own, see
    `split_places`; `branches` (N) and `k`: chosen from the classes unless given; `width`,
    `gate_width`: shares of the classifier's channels. `num_classes`: those of the classifier unless
    given, 1,000 for a name.

    Raises:
        InputError: the classifier is not one of a library, is not a chain of stages, or cannot be
            split there (the message lists where it can); or a number is out of range.
    """
    settings: dict[str, Any] = {
        "split": split, "branches": branches, "width": width, "gate_width": gate_width, "k": k,
        "image_size": image_size,
    }  # fmt: skip
    if isinstance(model, str):
        return HydraNet(hydrate_config(model, num_classes=num_classes or 1000, **settings))
    library, backbone = _name_of(model)
    given = chain_of(model, backbone)
    check_chain(given, model, backbone, _CHECKED_SIZE)
    classes = num_classes or given.output.out_features
    hydra = HydraNet(_config(library, backbone, num_classes=classes, **settings))
    _copy(given, hydra)
    return hydra


def hydrate_config(
    name: str,
    *,
    split: str | None = None,
    branches: int | None = None,
    width: float = 0.25,
    gate_width: float = 0.125,
    k: int | None = None,
    num_classes: int = 1000,
    image_size: int = 224,
) -> HydraBackboneConfig:
    """The configuration of what `hydrate` makes of a classifier by its name; see there.

    Raises:
        InputError: what `hydrate` raises for a name.
    """
    library, slash, backbone = name.partition("/")
    if not slash:
        library, backbone = "torchvision", name
    chain_template(library, backbone, 2)  # what is wrong is said before anything is built
    model = library_model(library, backbone, 2)
    check_chain(chain_of(model, backbone), model, backbone, _CHECKED_SIZE)
    return _config(
        library, backbone, split=split, branches=branches, width=width, gate_width=gate_width,
        k=k, num_classes=num_classes, image_size=image_size,
    )  # fmt: skip


def _config(
    library: str, backbone: str, *, split: str | None, branches: int | None, width: float,
    gate_width: float, k: int | None, num_classes: int, image_size: int,
) -> HydraBackboneConfig:  # fmt: skip
    """A configuration of which all parts can be built."""
    count = branches_for(num_classes) if branches is None else branches
    config = HydraBackboneConfig(
        library=library, backbone=backbone, num_classes=num_classes, image_size=image_size,
        split=split or _default_split(library, backbone, image_size), num_branches=count,
        k=fired_for(max(count, 1)) if k is None else k, width=width, gate_width=gate_width,
    )  # fmt: skip
    templates_of(config.static, (config.width, config.gate_width))
    return config


def _name_of(model: nn.Module) -> tuple[str, str]:
    """(library, name) of a classifier.

    Raises:
        InputError: no library builds one with these weights.
    """
    name = (getattr(model, "pretrained_cfg", None) or {}).get("architecture")
    candidates = [("timm", name)] if isinstance(name, str) else _of_torchvision(type(model))
    shapes = _shapes(model)
    for library, name in candidates:
        with on_meta():
            twin = library_model(library, name, 2)
        if _shapes(twin) == shapes:
            return library, name
    raise InputError(
        f"The network must be a classifier as torchvision or timm builds it, but this "
        f"{type(model).__name__} has other layers than any of theirs. Give one, or its name."
    )


def _of_torchvision(cls: type[nn.Module]) -> list[tuple[str, str]]:
    """The names of torchvision's classifiers of a class."""
    from torchvision import models

    return [
        ("torchvision", name)
        for name in models.list_models(module=models)
        if typing.get_type_hints(models.get_model_builder(name)).get("return") is cls
    ]


def _shapes(model: nn.Module) -> list[tuple[str, tuple[int, ...]]]:
    """Of all tensors but those of the output layer, which has as many rows as there are classes."""
    shapes = [(name, tuple(value.shape)) for name, value in model.state_dict().items()]
    return shapes[:-2]


def _default_split(library: str, backbone: str, image_size: int) -> str:
    """The last place where the resolution falls; of a network without one, the last place."""
    places = split_places(library, backbone, image_size=image_size)
    chain = chain_template(library, backbone, 2)
    x = torch.empty(1, 3, image_size, image_size, device="meta")
    falls = []
    with torch.no_grad():
        for name, module in chain.maps.items():
            side = x.shape[2] if isinstance(x, Tensor) else 0  # some hand on lists between parts
            try:
                x = module(x)
            except NOT_RUNNING:  # images are too small for it
                break
            if isinstance(x, Tensor) and x.shape[2] < side and name in places:
                falls.append(name)
    if not places:
        raise InputError(f"{backbone} cannot be split anywhere: no part of it can be narrowed.")
    return falls[-1] if falls else places[-1]


def _copy(chain: Chain, hydra: HydraNet) -> None:
    """The classifier's weights, where the HydraNet has parts of their shape."""
    config: Any = hydra.config
    names = list(chain.maps)
    at = names.index(config.split)
    stem = in_order({name: chain.maps[name] for name in names[:at]})
    hydra.stem.load_state_dict(stem.state_dict())
    if config.width == 1:
        body = in_order({name: chain.maps[name] for name in names[at:]})
        for branch in hydra.branches:
            assert isinstance(branch, Branch)
            branch.body.layers.load_state_dict(body.state_dict())  # type: ignore[union-attr]
            if isinstance(branch.projection, type(chain.neck)):
                branch.projection.load_state_dict(chain.neck.state_dict())
