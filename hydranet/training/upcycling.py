"""A HydraNet that starts as a copy of a trained static network.

The stem is copied, every branch and the gate's body become copies of the last stage, projections
start as the identity, the output layer is copied. All branches are alike then and their weights sum
to 1, so the HydraNet answers exactly as the static network does; what training adds is
specialisation. Known from mixtures of experts: Komatsuzaki et al., "Sparse Upcycling", ICLR 2023.

A multi-head network starts otherwise: its trunk is copied, and its heads stay as they were
initialised, each differently, as in raghav1810/HydraNet on GitHub.
"""

from __future__ import annotations

import torch
from torch import nn

from hydranet.config import ArchitectureConfig, HydraConfig, MultiHeadConfig
from hydranet.errors import InputError
from hydranet.models.combiner import Combiner
from hydranet.models.gate import Gate
from hydranet.models.hydra import Branch, HydraNet
from hydranet.models.network import Network, StaticNetwork


def upcycle(hydra: HydraNet, static: Network) -> None:
    """Copy the weights of `static` into `hydra`, in place: all of them, or only the trunk's where
    `hydra` has many heads.

    Raises:
        InputError: the networks do not fit: another family, depth, width or number of classes.
    """
    _check_fit(hydra.config, static)
    assert isinstance(static, StaticNetwork), "checked"
    hydra.stem.load_state_dict(static.stem.state_dict())
    if isinstance(hydra.config, MultiHeadConfig):
        return
    assert isinstance(hydra.gate, Gate)
    assert isinstance(hydra.combiner, Combiner)
    hydra.combiner.output.load_state_dict(static.head.state_dict())
    hydra.gate.body.load_state_dict(static.body.state_dict())
    for branch in hydra.branches:
        assert isinstance(branch, Branch)
        branch.body.load_state_dict(static.body.state_dict())
        if isinstance(branch.projection, nn.Linear):
            _become_identity(branch.projection)


def _check_fit(ours: HydraConfig, static: Network) -> None:
    needed, theirs = ours.static, static.config
    if not isinstance(static, StaticNetwork):
        raise InputError(
            f"A {ours.title} can start from a {needed.title}, not from a {type(static).__name__}."
        )
    if _size(needed) != _size(theirs):
        raise InputError(
            f"A {ours.title} with {ours.num_classes} classes starts from a {needed.title} with as "
            f"many classes and of the same width, not from a {theirs.title} with "
            f"{theirs.num_classes}."
        )


def _size(config: ArchitectureConfig) -> dict[str, object]:
    """All that decides the shapes of weights."""
    return {name: value for name, value in config.to_json().items() if name != "image_size"}


@torch.no_grad()
def _become_identity(layer: nn.Linear) -> None:
    nn.init.eye_(layer.weight)
    nn.init.zeros_(layer.bias)
