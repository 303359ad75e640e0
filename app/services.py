"""Cached loading and computing for the pages. Draws nothing.

Streamlit hands every session the same cached module and each session is a thread, so what is shared
here is either frozen or used in a way that leaves no trace on it: predictions set no hook. At most
as many computations run at once as there are cores, each with one thread.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st
from PIL import Image

from hydranet.checkpoints import ROUTES, Checkpoint, DamagedCheckpoint, list_checkpoints
from hydranet.route_log import RouteLog, read_route_log

if TYPE_CHECKING:
    from hydranet.models import Network
    from hydranet.prediction import Prediction

_CORES = os.cpu_count() or 1
_ADMISSION = threading.BoundedSemaphore(_CORES)
_IMAGES_KEPT = 64


@st.cache_data(ttl=10, show_spinner=False)
def checkpoints() -> tuple[list[Checkpoint], list[DamagedCheckpoint]]:
    """All checkpoints, and those that are left out with the reason; looked up every ten seconds."""
    return list_checkpoints()


@contextmanager
def admitted() -> Iterator[None]:
    """Wait for a core, then compute with one thread on it."""
    import torch

    with _ADMISSION:
        if torch.get_num_threads() != 1:
            torch.set_num_threads(1)
        yield


@st.cache_resource(max_entries=8, show_spinner="Loading the network…")
def network(name: str, weights_sha256: str, _checkpoint: Checkpoint) -> Network:
    """The network of a checkpoint, shared by all sessions; InputError if it is damaged."""
    from hydranet.checkpoints import load_model

    return load_model(_checkpoint)


@st.cache_data(max_entries=_IMAGES_KEPT, show_spinner=False)
def prediction(
    name: str, weights_sha256: str, image_sha256: str, k: int | None,
    _checkpoint: Checkpoint, _image: Image.Image,
) -> Prediction:  # fmt: skip
    """What a network makes of an image, keyed by the hash of the image file's bytes."""
    from hydranet.prediction import predict

    model = network(name, weights_sha256, _checkpoint)
    with admitted():
        return predict(model, [_image], k=k)[0]


@st.cache_data(max_entries=8, show_spinner=False)
def route_log(name: str, weights_sha256: str, _checkpoint: Checkpoint) -> RouteLog:
    """What the network did with every test image; InputError if the log is missing or damaged."""
    return read_route_log(_checkpoint.folder / ROUTES)
