"""A network that starts from a trained static one.

A HydraNet starts as a copy: the stem is copied, every branch and the gate's body become copies of
the last stage, projections start as the identity, the output layer is copied. All branches are
alike then and their weights sum to 1, so the HydraNet answers exactly as the static network does;
what training adds is specialisation. Known from mixtures of experts: Komatsuzaki et al., "Sparse
Upcycling", ICLR 2023.

The trained network may be one of other classes: then the output layer stays as it was initialised
and the rest is copied. A static network starts so too.

A multi-head network starts otherwise: its trunk is copied, and its heads stay as they were
initialised, each differently, as in raghav1810/HydraNet on GitHub.
"""

from __future__ import annotations

import torch
from torch import nn

from hydranet.config import ArchitectureConfig, MultiHeadConfig
from hydranet.errors import InputError
from hydranet.models.combiner import Combiner
from hydranet.models.gate import Gate
from hydranet.models.hydra import Branch, HydraNet
from hydranet.models.network import Network, StaticNetwork


def upcycle(
    model: Network, static: Network, *, class_names: tuple[str, ...] | None = None
) -> tuple[str, ...]:
    """Copy the weights of `static` into `model`, in place; returns the parts that were copied: of
    "stem", "body" (into branches and gate too) and "output layer".

    `class_names`: of `model`, where they are known. The output layer is copied only where both
    networks tell the same classes apart.

    Raises:
        InputError: the networks do not fit: another family, depth or width.
    """
    _check_fit(model.config, static)
    assert isinstance(static, StaticNetwork), "checked"
    model.stem.load_state_dict(static.stem.state_dict())
    if isinstance(model.config, MultiHeadConfig):
        return ("stem",)
    bodies, output = _places(model)
    for body in bodies:
        body.load_state_dict(static.body.state_dict())
    if not _same_classes(model, static, class_names):
        return "stem", "body"
    output.load_state_dict(static.head.state_dict())
    return "stem", "body", "output layer"


def _places(model: Network) -> tuple[list[nn.Module], nn.Module]:
    """Where copies of a static network's body and of its output layer go; projections become the
    identity."""
    if isinstance(model, StaticNetwork):
        return [model.body], model.head
    assert isinstance(model, HydraNet)
    assert isinstance(model.gate, Gate)
    assert isinstance(model.combiner, Combiner)
    bodies: list[nn.Module] = [model.gate.body]
    for branch in model.branches:
        assert isinstance(branch, Branch)
        bodies.append(branch.body)
        if isinstance(branch.projection, nn.Linear):
            _become_identity(branch.projection)
    return bodies, model.combiner.output


def _same_classes(
    model: Network, static: StaticNetwork, class_names: tuple[str, ...] | None
) -> bool:
    if class_names is not None and static.card is not None:
        return class_names == static.card.class_names
    return model.config.num_classes == static.config.num_classes


def _check_fit(ours: ArchitectureConfig, static: Network) -> None:
    needed, theirs = ours.static, static.config
    if not isinstance(static, StaticNetwork):
        raise InputError(
            f"A {ours.title} can start from a {needed.title}, not from a {type(static).__name__}."
        )
    if _size(needed) != _size(theirs):
        raise InputError(
            f"A {ours.title} starts from a {needed.title} of the same width, not from a "
            f"{theirs.title}."
        )


def _size(config: ArchitectureConfig) -> dict[str, object]:
    """All that decides the shapes of weights before the output layer."""
    free = ("image_size", "num_classes")
    return {name: value for name, value in config.to_json().items() if name not in free}


@torch.no_grad()
def _become_identity(layer: nn.Linear) -> None:
    nn.init.eye_(layer.weight)
    nn.init.zeros_(layer.bias)
