"""A network that starts from a trained static one.

A HydraNet starts as a copy: the stem is copied, every branch and the gate's body become copies of
the last stage, projections start as the identity, the output layer is copied. All branches are
alike then and their weights sum to 1, so the HydraNet answers exactly as the static network does;
what training adds is specialisation. Known from mixtures of experts: Komatsuzaki et al., "Sparse
Upcycling", ICLR 2023.

The trained network may be one of other classes: then the output layer stays as it was initialised
and the rest is copied. A static network starts so too.

A dynamic network may also go on from a trained one that is the same network, with its subtasks.

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


def goes_on(model: Network, start: Network, *, class_names: tuple[str, ...]) -> bool:
    """Copy all weights where `start` is the same dynamic network of the same classes; whether it
    is."""
    same = start.config == model.config and start.config.is_dynamic
    if same and start.card is not None and start.card.class_names == class_names:
        model.load_state_dict(start.state_dict())
        return True
    return False


def upcycle(
    model: Network, static: Network, *, class_names: tuple[str, ...] | None = None
) -> tuple[str, ...]:
    """Copy the weights of `static` into `model`, in place; returns the parts that were copied: of
    "stem", "body" (into branches, and into the gate) and "output layer".

    A part is copied where it has the same shapes; branches that are narrower than the static body
    are not. `class_names`: of `model`, where they are known. The output layer is copied only where
    both networks tell the same classes apart.

    Raises:
        InputError: the networks do not fit: another family, depth or width.
    """
    _check_fit(model.config, static)
    assert isinstance(static, StaticNetwork), "checked"
    copied = ["stem"] * _copied(static.stem, model.stem)
    if isinstance(model.config, MultiHeadConfig):
        return tuple(copied)
    if _into_bodies(static.body, model):
        copied.append("body")
        same = _same_classes(model, static, class_names)
        if same and _copied(static.output, _output(model)):
            copied.append("output layer")
    return tuple(copied)


def _copied(source: nn.Module, target: nn.Module) -> bool:
    """Copy the weights if all of them fit; whether they did."""
    theirs, ours = source.state_dict(), target.state_dict()
    fits = {n: v.shape for n, v in theirs.items()} == {n: v.shape for n, v in ours.items()}
    if fits:
        target.load_state_dict(theirs)
    return fits


def _output(model: Network) -> nn.Module:
    """The output layer of a static network or of a HydraNet's combiner."""
    if isinstance(model, StaticNetwork):
        return model.output
    assert isinstance(model, HydraNet)
    assert isinstance(model.combiner, Combiner)
    return model.combiner.output


def _into_bodies(body: nn.Module, model: Network) -> bool:
    """Copy a body into every body that it fits; whether the network's own, or all its branches',
    are copies. Their projections become the identity."""
    if isinstance(model, StaticNetwork):
        return _copied(body, model.body)
    assert isinstance(model, HydraNet)
    assert isinstance(model.gate, Gate)
    _copied(body, model.gate.body)
    fits = True
    for branch in model.branches:
        assert isinstance(branch, Branch)
        fits = _copied(body, branch.body) and fits
        if fits and isinstance(branch.projection, nn.Linear):
            _become_identity(branch.projection)
    return fits


def _same_classes(
    model: Network, static: StaticNetwork, class_names: tuple[str, ...] | None
) -> bool:
    if class_names is not None and static.card is not None:
        return class_names == static.card.class_names
    return model.config.num_classes == static.config.num_classes


def _check_fit(ours: ArchitectureConfig, static: Network) -> None:
    needed, theirs = ours.static, static.config
    if ours.is_dynamic and needed == ours:
        raise InputError(f"An {ours.title} starts from scratch: it is built on no static network.")
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
