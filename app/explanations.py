"""Explanations for the page Inspect: kept, estimated, computed, cancelled. Draws nothing.

A result is kept under the weights' hash, the image file's hash, the branches that fired, the target
and the method. What `progress` raises ends the work: Streamlit interrupts a script that way, and
then the core is free again and nothing is kept of what was not finished.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st

from app import services
from app.inspection import Inspection
from app.kept import Kept
from hydranet.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from hydranet.explain.attributions import Attribution
    from hydranet.explain.stability_strip import StabilityStrip
    from hydranet.explain.targets import Target
    from hydranet.models import Network
    from hydranet.routing import Route

_Key = tuple[str, str, str, tuple[int, ...], "Target", str]
_KEPT: Kept[_Key, Attribution] = Kept(512)


def known(
    inspection: Inspection, targets: Sequence[Target], method: str
) -> list[Attribution] | None:
    """The attributions if all of them were computed before."""
    found = [_KEPT.get(_key(inspection, target, method)) for target in targets]
    done = [attribution for attribution in found if attribution is not None]
    return done if len(done) == len(targets) else None


def explain(
    inspection: Inspection,
    targets: Sequence[Target],
    method: str,
    progress: Callable[[float], None] | None = None,
) -> list[Attribution]:
    """Explain each target on the route of the inspection, one after the other.

    `progress` is told the part that is done, 0 to 1, also while the work waits for a core.

    Raises:
        InputError: the network, the image or the route do not have what is to be explained, or a
            package is missing.
    """
    from hydranet.explain.attributions import attribute

    model, x, route = _held(inspection)
    found: list[Attribution] = []

    def tell(part: float) -> None:
        if progress is not None:
            progress((len(found) + part) / len(targets))

    for target in targets:
        key = _key(inspection, target, method)
        attribution = _KEPT.get(key)
        if attribution is None:
            with services.admitted(lambda: tell(0.0)), _installed():
                attribution = attribute(model, x, target, method, route=route, progress=tell)
            _KEPT.put(key, attribution)
        found.append(attribution)
    return found


def estimate_seconds(inspection: Inspection, targets: Sequence[Target], method: str) -> float:
    """How long `explain` would take for what is not yet known, on a core of this server now.

    One batch of each kind of target is timed, once for each network, method and number of branches.

    Raises:
        InputError: where `explain` does.
    """
    missing = [t for t in targets if _KEPT.get(_key(inspection, t, method)) is None]
    return sum(
        _estimate(
            inspection.checkpoint.card.weights_sha256, method, type(target).__name__,
            len(inspection.found.fired), inspection, target,
        )
        for target in missing
    )  # fmt: skip


@st.cache_data(max_entries=256, show_spinner=False)
def _estimate(
    weights_sha256: str, method: str, kind: str, fired: int,
    _inspection: Inspection, _target: Target,
) -> float:  # fmt: skip
    from hydranet.explain.attributions import estimate_seconds

    model, x, route = _held(_inspection)
    with services.admitted():
        return estimate_seconds(model, x, _target, method, route=route)


def strip(inspection: Inspection, dial: str) -> StabilityStrip:
    """The network on the image at all settings of a dial; k and threshold as on the page.

    Raises:
        InputError: there is no such dial, or a package is missing.
    """
    checkpoint, board = inspection.checkpoint, inspection.board
    return _strip(
        checkpoint.name, checkpoint.card.weights_sha256, inspection.intake.sha256, dial,
        None if board is None else board.k, 0.0 if board is None else board.threshold, inspection,
    )  # fmt: skip


@st.cache_data(max_entries=64, show_spinner=False)
def _strip(
    name: str, weights_sha256: str, image_sha256: str, dial: str,
    k: int | None, threshold: float, _inspection: Inspection,
) -> StabilityStrip:  # fmt: skip
    from hydranet.explain.stability_strip import stability

    model = services.network(_inspection.checkpoint)
    with services.admitted(), _installed():
        return stability(model, _inspection.intake.image, dial, k=k, threshold=threshold)


@contextmanager
def _installed() -> Iterator[None]:
    """Say in a sentence which packages are missing: an installation may leave them out."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise InputError(
            f"Explanations need the package {error.name}, which is not installed here. Install "
            "what they need with: pip install 'hydranet-explorer[explain]'."
        ) from error


def _key(inspection: Inspection, target: Target, method: str) -> _Key:
    checkpoint, found = inspection.checkpoint, inspection.found
    return (
        checkpoint.name, checkpoint.card.weights_sha256, inspection.intake.sha256,
        tuple(sorted(found.fired)), target, method,
    )  # fmt: skip


def _held(inspection: Inspection) -> tuple[Network, Tensor, Route | None]:
    """The network, its input (1, 3, H, W), and the route that stands on the page."""
    import torch

    from hydranet.prediction import network_input
    from hydranet.routing import Route

    found = inspection.found
    model = services.network(inspection.checkpoint)
    _, x = network_input(inspection.card, inspection.intake.image)
    if not found.fired:
        return model, x, None
    route = Route(
        torch.tensor([found.fired]),  # (1, k)
        torch.tensor([found.weights], dtype=torch.float32),  # (1, k)
        inspection.card.costs.num_branches,
    )
    return model, x, route
