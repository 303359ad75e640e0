"""What of a network only torch can compute for the pages: loaded and kept, on request. Draws
nothing.

torch and Captum are imported when a visitor first asks for one of these, not before; where they are
missing, each says so in a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st

from app.cores.computing import once
from app.cores.kept import Kept
from app.services import Key, key
from hydranet.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from app.inspection import Inspection
    from hydranet.checkpoints import Checkpoint
    from hydranet.explain.branch_shapley import BranchValues
    from hydranet.models import Network
    from hydranet.routing.routes import Route

_NAMES = {"torch": "PyTorch", "captum": "Captum", "torchvision": "torchvision"}
_NETWORKS = 8
_LOADED: Kept[tuple[str, str], Network] = Kept(_NETWORKS)
_VALUES: Kept[tuple[Key, tuple[int, ...]], BranchValues] = Kept(64)


@contextmanager
def needs_torch() -> Iterator[None]:
    """Say in a sentence which package is missing: an installation for serving leaves them out."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _NAMES:
            raise
        raise InputError(
            f"This part needs {_NAMES[package]}, which is not installed here. Install it with: "
            f"pip install {package}"
        ) from None


def network(checkpoint: Checkpoint) -> Network:
    """The network of a checkpoint as torch runs it, shared by all sessions.

    Raises:
        InputError: it is damaged, or torch is missing.
    """
    named = checkpoint.name, checkpoint.card.weights_sha256
    with needs_torch():
        found = once(_LOADED, named, lambda: _network(*named, checkpoint), long=True)
        import torch

        if torch.get_num_threads() != 1:  # many sessions compute at once, each on one core
            torch.set_num_threads(1)
        return found


@st.cache_resource(max_entries=_NETWORKS, show_spinner="Loading the network…")
def _network(name: str, weights_sha256: str, _checkpoint: Checkpoint) -> Network:
    from hydranet.checkpoints import load_model

    return load_model(_checkpoint)


def held(inspection: Inspection) -> tuple[Network, Tensor, Route | None]:
    """The network, its input (1, 3, H, W), and the route that stands on the page; InputError as
    `network`."""
    found, count = inspection.found, inspection.card.costs.num_branches
    model = network(inspection.checkpoint)
    import torch

    from hydranet.prediction import network_input
    from hydranet.routing.routes import Route

    _, x = network_input(inspection.card, inspection.pixels)
    if not found.fired:
        return model, x, None
    if found.tokens is not None and found.token_weights is not None:
        tokens = torch.from_numpy(found.tokens)  # (T, k)
        return model, x, Route(tokens, torch.from_numpy(found.token_weights), count)
    indices = torch.tensor([found.fired])  # (1, k)
    return model, x, Route(indices, torch.tensor([found.weights]), count)


def branch_values(inspection: Inspection) -> BranchValues:
    """What each fired branch is worth to every class's probability; InputError if static, or as
    `network`."""
    model, x, route = held(inspection)
    from hydranet.explain.branch_shapley import branch_values as values

    asked = key(inspection.checkpoint, inspection.intake), inspection.found.fired
    return once(_VALUES, asked, lambda: values(model, x, route=route))


def let_go(checkpoint: Checkpoint) -> None:
    """Forget the network of a checkpoint; `kept.let_go` does the results."""
    _network.clear(checkpoint.name, checkpoint.card.weights_sha256, checkpoint)
