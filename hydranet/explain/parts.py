"""A network's parts as explanations need them: a private clone, a held route, bodies with maps."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

import torch
from torch import Tensor

from hydranet.errors import InputError
from hydranet.models import DynamicNetwork, Network
from hydranet.routing.routes import Route

N = TypeVar("N", bound=Network)


def private_clone(model: N) -> N:
    """A network of the caller's own, in eval mode, that shares weights and statistics with `model`.

    Hooks and modes of the clone are not those of `model`, so threads that each work on a clone
    cannot disturb each other. About 5 ms for a Hydra-Res; no tensor is copied.
    """
    shared: list[Any] = [*model.parameters(), *model.buffers(), model.config, model.card]
    return copy.deepcopy(model, {id(part): part for part in shared}).eval()


def own_route(model: Network, x: Tensor) -> Route | None:
    """The route that a HydraNet itself takes for the images, None for a static network.

    `x`: (B, 3, H, W), normalised.
    """
    if not isinstance(model, DynamicNetwork):
        return None
    with torch.no_grad():
        return model(x).route


def repeated(route: Route, images: int) -> Route:
    """The route of one image for `images` of them; its weights are constants."""
    return Route(
        route.indices.repeat(images, 1),
        route.weights.detach().repeat(images, 1),
        route.num_branches,
    )


def fired_branches(route: Route) -> list[int]:
    """The branches that run for a route of one image, best-scored first; of one whose tokens have
    routes of their own, all that any of them runs."""
    if len(route.indices) > 1:
        return torch.nonzero(route.mask.any(dim=0)).flatten().tolist()
    return route.indices[0, : int(route.counts[0])].tolist()


def check_one_image(x: Tensor) -> None:
    """Raise InputError unless `x` is one normalised image, (1, 3, H, W)."""
    if x.dim() != 4 or x.shape[:2] != (1, 3):
        raise InputError(
            f"One image of shape (1, 3, H, W) is explained at a time, not {tuple(x.shape)}. "
            "Take it from prediction.network_input."
        )


def check_branch(model: Network, branch: int) -> DynamicNetwork:
    """The network, known to have that branch.

    Raises:
        InputError: it is static, or the branch is out of range.
    """
    if not isinstance(model, DynamicNetwork):
        raise InputError("A static network has no branches and no gate: explain a class's logit.")
    last = model.config.num_branches - 1
    if not 0 <= branch <= last:
        raise InputError(f"A branch must be from 0 to {last}, not {branch}.")
    return model


def check_gate(model: Network, branch: int) -> DynamicNetwork:
    """The network, known to have a gate that scores that branch; raises InputError otherwise."""
    hydra = check_branch(model, branch)
    if not list(hydra.gate.parameters()):
        heads = hydra.config.policy.branches
        raise InputError(
            f"No gate that learned chooses among the {heads} of this network, so there is no score "
            f"to explain. Explain a class's logit or one of its {heads}' share of it."
        )
    if hydra.rows > 1:
        raise InputError(
            "Every token of this network has scores of its own, so there is no one score of a "
            "branch to explain. Explain a class's logit."
        )
    return hydra
