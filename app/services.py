"""Cached loading and computing for the pages. Draws nothing.

Streamlit hands every session the same cached module and each session is a thread, so what is shared
here is either frozen or used in a way that leaves no trace on it: predictions set no hook. Results
are keyed by the hash of the image file's bytes and that of the weights. At most
as many computations run at once as there are cores, each with one thread.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st
from PIL import Image

from hydranet.checkpoints import ROUTES, Checkpoint, DamagedCheckpoint, list_checkpoints
from hydranet.route_log import RouteLog, read_route_log

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from app.intake import Intake
    from hydranet.answer import Answer
    from hydranet.explain.branch_shapley import BranchValues
    from hydranet.models import Network
    from hydranet.prediction import Prediction
    from hydranet.switchboard import Examined
    from hydranet.timing import Timing

_CORES = os.cpu_count() or 1
_ADMISSION = threading.BoundedSemaphore(_CORES)
_IMAGES_KEPT = 64
_PATIENCE_S = 0.2
_RUNS = 5


@st.cache_data(ttl=10, show_spinner=False)
def checkpoints() -> tuple[list[Checkpoint], list[DamagedCheckpoint]]:
    """All checkpoints, and those that are left out with the reason; looked up every ten seconds."""
    return list_checkpoints()


@contextmanager
def admitted(waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Wait for a core, then compute with one thread on it.

    `waiting` is called now and then while there is none; what it raises ends the wait.
    """
    import torch

    while not _ADMISSION.acquire(timeout=None if waiting is None else _PATIENCE_S):
        if waiting is not None:
            waiting()
    try:
        if torch.get_num_threads() != 1:
            torch.set_num_threads(1)
        yield
    finally:
        _ADMISSION.release()


def _key(checkpoint: Checkpoint) -> tuple[str, str]:
    """What tells one checkpoint's network from every other's."""
    return checkpoint.name, checkpoint.card.weights_sha256


def network(checkpoint: Checkpoint) -> Network:
    """The network of a checkpoint, shared by all sessions; InputError if it is damaged."""
    return _network(*_key(checkpoint), checkpoint)


@st.cache_resource(max_entries=8, show_spinner="Loading the network…")
def _network(name: str, weights_sha256: str, _checkpoint: Checkpoint) -> Network:
    from hydranet.checkpoints import load_model

    return load_model(_checkpoint)


def examined(checkpoint: Checkpoint, intake: Intake) -> Examined:
    """All that a HydraNet computes of an image before a route is chosen; once an image."""
    return _examined(*_key(checkpoint), intake.sha256, checkpoint, intake.image)


@st.cache_data(max_entries=_IMAGES_KEPT, show_spinner=False)
def _examined(
    name: str, weights_sha256: str, image_sha256: str, _checkpoint: Checkpoint, _image: Image.Image
) -> Examined:
    from hydranet.examination import examine

    model = network(_checkpoint)
    with admitted():
        return examine(model, _image)


def prediction(checkpoint: Checkpoint, intake: Intake, fired: tuple[int, ...] | None) -> Prediction:
    """An image run through a network and timed, with exactly the branches in `fired` (None: as
    the network itself routes)."""
    return _prediction(*_key(checkpoint), intake.sha256, fired, checkpoint, intake.image)


@st.cache_data(max_entries=_IMAGES_KEPT, show_spinner=False)
def _prediction(
    name: str, weights_sha256: str, image_sha256: str, fired: tuple[int, ...] | None,
    _checkpoint: Checkpoint, _image: Image.Image,
) -> Prediction:  # fmt: skip
    from hydranet.prediction import predict

    model = network(_checkpoint)
    with admitted():
        return predict(model, [_image], branches=fired)[0]


def timing(checkpoint: Checkpoint, fired: tuple[int, ...] | None) -> Timing:
    """How long a network takes for one image on this server now, if exactly the branches in `fired`
    run (None: as the network itself routes). It does not depend on what the image shows, so it is
    measured on a black one, and again after a minute."""
    return _timing(*_key(checkpoint), fired, checkpoint)


@st.cache_data(ttl=60, max_entries=256, show_spinner=False)
def _timing(
    name: str, weights_sha256: str, fired: tuple[int, ...] | None, _checkpoint: Checkpoint
) -> Timing:
    from hydranet.prediction import predict

    model = network(_checkpoint)
    side = _checkpoint.card.architecture.image_size
    black = Image.new("RGB", (side, side))
    with admitted():
        return predict(model, [black], branches=fired, runs=_RUNS)[0].timing


def feature_maps(checkpoint: Checkpoint, intake: Intake, part: str) -> NDArray[np.float32]:
    """(channels, h, w) of a part: "stem", "gate", "branch 3" or "last stage"; InputError if the
    network has no such part."""
    return _feature_maps(*_key(checkpoint), intake.sha256, part, checkpoint, intake.image)


@st.cache_data(max_entries=_IMAGES_KEPT, show_spinner=False)
def _feature_maps(
    name: str, weights_sha256: str, image_sha256: str, part: str,
    _checkpoint: Checkpoint, _image: Image.Image,
) -> NDArray[np.float32]:  # fmt: skip
    from hydranet.explain import feature_maps as maps
    from hydranet.prediction import network_input

    model = network(_checkpoint)
    whole = {"stem": maps.stem_maps, "gate": maps.gate_maps, "last stage": maps.body_maps}
    with admitted():
        _, x = network_input(_checkpoint.card, _image)
        if part in whole:
            return whole[part](model, x)
        return maps.branch_maps(model, x, int(part.removeprefix("branch ")))


def branch_values(checkpoint: Checkpoint, intake: Intake, found: Answer) -> BranchValues:
    """What each fired branch is worth to every class's probability; InputError if static."""
    key = (*_key(checkpoint), intake.sha256, found.fired)
    return _branch_values(*key, checkpoint, intake.image, found)


@st.cache_data(max_entries=_IMAGES_KEPT, show_spinner=False)
def _branch_values(
    name: str, weights_sha256: str, image_sha256: str, fired: tuple[int, ...],
    _checkpoint: Checkpoint, _image: Image.Image, _found: Answer,
) -> BranchValues:  # fmt: skip
    import torch

    from hydranet.explain.branch_shapley import branch_values
    from hydranet.prediction import network_input
    from hydranet.routing import Route

    model = network(_checkpoint)
    route = Route(torch.tensor([fired]), torch.tensor([_found.weights]), len(_found.gate_scores))
    with admitted():
        _, x = network_input(_checkpoint.card, _image)
        return branch_values(model, x, route=route)


def route_log(checkpoint: Checkpoint) -> RouteLog:
    """What the network did with every test image; InputError if the log is missing or damaged."""
    return _route_log(*_key(checkpoint), checkpoint)


@st.cache_data(max_entries=8, show_spinner=False)
def _route_log(name: str, weights_sha256: str, _checkpoint: Checkpoint) -> RouteLog:
    return read_route_log(_checkpoint.folder / ROUTES)
