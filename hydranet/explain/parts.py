"""A network's parts as explanations need them: a private clone, a held route, bodies with maps."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from hydranet.errors import InputError
from hydranet.models import HydraNet, Network
from hydranet.routing import Route

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
    if not isinstance(model, HydraNet):
        return None
    with torch.no_grad():
        return model(x).route


def repeated(route: Route, images: int) -> Route:
    """The route of one image for `images` of them; its weights are constants."""
    return Route(
        route.indices.expand(images, -1),
        route.weights.detach().expand(images, -1),
        route.num_branches,
    )


def fired_branches(route: Route) -> list[int]:
    """The branches that run for a route of one image, best-scored first."""
    return route.indices[0, : int(route.counts[0])].tolist()


def check_one_image(x: Tensor) -> None:
    """Raise InputError unless `x` is one normalised image, (1, 3, H, W)."""
    if x.dim() != 4 or x.shape[:2] != (1, 3):
        raise InputError(
            f"One image of shape (1, 3, H, W) is explained at a time, not {tuple(x.shape)}. "
            "Take it from prediction.network_input."
        )


def check_branch(model: Network, branch: int) -> HydraNet:
    """The network, known to have that branch.

    Raises:
        InputError: it is static, or the branch is out of range.
    """
    if not isinstance(model, HydraNet):
        raise InputError("A static network has no branches and no gate: explain a class's logit.")
    last = model.config.num_branches - 1
    if not 0 <= branch <= last:
        raise InputError(f"A branch must be from 0 to {last}, not {branch}.")
    return model


def check_gate(model: Network, branch: int) -> HydraNet:
    """The network, known to have a gate that scores that branch; raises InputError otherwise."""
    hydra = check_branch(model, branch)
    if not list(hydra.gate.parameters()):
        raise InputError(
            "All heads of this network run and its gate scores none, so there is no score to "
            "explain. Explain a class's logit or a head's share of it."
        )
    return hydra


def body_of(owner: nn.Module, name: str) -> Any:
    """The body of a branch, of the gate or of a static network, which has `.maps`.

    Raises:
        InputError: it has none.
    """
    body = getattr(owner, "body", None)
    if not hasattr(body, "maps"):
        raise InputError(
            f"{name} of this network has no feature maps before pooling, so neither they nor "
            "Grad-CAM can be shown. Choose another method, or the stem's maps."
        )
    return body
