"""Cached loading and computing for the pages, by the fastest engine there is. Draws nothing.

Every session is a thread and gets the same engine and the same results: engines may be used from
many threads at once, and results are never changed. Results are kept by the hash of the image
file's bytes and that of the weights. What only torch can compute is in `torch_services`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from app.cores.computing import admitted, once
from app.cores.kept import Kept
from app.handed_over.own_network import OwnNetwork
from app.server import counters
from hydranet.checkpoints import (
    ROUTES,
    Checkpoint,
    DamagedCheckpoint,
    list_checkpoints,
    list_kept_out,
)
from hydranet.data.resize import fit_square
from hydranet.engines import answers, open_engine
from hydranet.errors import InputError
from hydranet.evaluation.route_log import RouteLog, read_route_log
from hydranet.timing import Timing, timed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.intake import Intake
    from hydranet.engines import Engine
    from hydranet.routing.answer import Answer
    from hydranet.routing.switchboard import Examined


class Answered(NamedTuple):
    """What a static network answers, and the `pixels` that it sees, (side, side, 3) uint8."""

    answer: Answer
    pixels: NDArray[np.uint8]


Key = tuple[str, str, str]
"""Name of a checkpoint, hash of its weights, hash of an image file."""

_RUNS = 5
_NETWORKS = 8
_ROUTE_LOGS = 40
_ENGINES: Kept[tuple[str, str], Engine] = Kept(_NETWORKS)
_EXAMINED: Kept[Key, Examined] = Kept(64)
_ANSWERED: Kept[Key, Answered] = Kept(64)
_Timed = tuple[str, str, tuple[int, ...] | None, int | None]
_TIMINGS: Kept[_Timed, Timing] = Kept(256, seconds=60)


@st.cache_resource(ttl=10, show_spinner=False)
def checkpoints() -> tuple[list[Checkpoint], list[DamagedCheckpoint]]:
    """All checkpoints, and those that are left out with the reason; looked up every ten seconds."""
    return list_checkpoints()


@st.cache_resource(ttl=10, show_spinner=False)
def kept_out() -> list[Checkpoint]:
    """Checkpoints of which only the card is here, looked up as often."""
    return list_kept_out()


def key(checkpoint: Checkpoint, intake: Intake) -> Key:
    """What tells a network on an image from every other."""
    return checkpoint.name, checkpoint.card.weights_sha256, intake.sha256


def engine(checkpoint: Checkpoint) -> Engine:
    """What runs the checkpoint's network, shared by all sessions; InputError if it is damaged."""
    named = checkpoint.name, checkpoint.card.weights_sha256
    return once(_ENGINES, named, lambda: _engine(*named, checkpoint))


# Streamlit shows that it loads, and lets who asks for the same meanwhile wait for that one.
@st.cache_resource(max_entries=_NETWORKS, show_spinner="Loading the network…")
def _engine(name: str, weights_sha256: str, _checkpoint: Checkpoint) -> Engine:
    return open_engine(_checkpoint)


def examined(checkpoint: Checkpoint, intake: Intake) -> Examined:
    """All that a HydraNet computes of an image before a route is chosen; once an image."""
    runs = engine(checkpoint)

    def examine() -> Examined:
        found = runs.examine(_pixels(checkpoint, intake))
        counters.predicted()
        return found

    return once(_EXAMINED, key(checkpoint, intake), examine)


def answered(checkpoint: Checkpoint, intake: Intake) -> Answered:
    """What a static network answers on an image; once an image."""
    runs = engine(checkpoint)

    def answer() -> Answered:
        pixels = _pixels(checkpoint, intake)
        (found,) = answers(runs, runs.run(pixels[None]))
        counters.predicted()
        return Answered(found, pixels)

    return once(_ANSWERED, key(checkpoint, intake), answer)


def _pixels(checkpoint: Checkpoint, intake: Intake) -> NDArray[np.uint8]:
    side = checkpoint.card.architecture.image_size
    return fit_square(intake.image, side)


def timing(
    checkpoint: Checkpoint, fired: tuple[int, ...] | None, *, k: int | None = None
) -> Timing:
    """How long a network takes for one image on this server now, if exactly the branches in `fired`
    run (None: as the network itself routes, by its own k unless given). It does not depend on what
    the image shows, so it is measured on a black one, and again after a minute."""
    runs = engine(checkpoint)
    side = checkpoint.card.architecture.image_size
    black = np.zeros((1, side, side, 3), np.uint8)
    given = None if fired is None else np.array([fired])
    asked = (checkpoint.name, checkpoint.card.weights_sha256, fired, k)
    run = partial(runs.run, black, k=k, fired=given)
    return once(_TIMINGS, asked, lambda: timed(run, _RUNS)[1])


def route_log(checkpoint: Checkpoint) -> RouteLog:
    """What the network did with every test image; InputError if the log is missing or damaged."""
    return _route_log(checkpoint.name, checkpoint.card.weights_sha256, checkpoint)


def route_log_if_any(checkpoint: Checkpoint) -> RouteLog | None:
    """The same, None for a visitor's network that came without one."""
    if isinstance(checkpoint, OwnNetwork) and not (checkpoint.folder / ROUTES).exists():
        return None
    return route_log(checkpoint)


@st.cache_resource(max_entries=_ROUTE_LOGS, show_spinner=False)
def _route_log(name: str, weights_sha256: str, _checkpoint: Checkpoint) -> RouteLog:
    return read_route_log(_checkpoint.folder / ROUTES)


def check_answers(checkpoint: Checkpoint) -> None:
    """Raise InputError unless the network answers a black and a white image with finite numbers."""
    runs = engine(checkpoint)
    side = checkpoint.card.architecture.image_size
    pixels = np.stack([np.full((side, side, 3), value, np.uint8) for value in (0, 255)])
    with admitted(), np.errstate(all="ignore"):
        found = runs.run(pixels)
    if not (np.isfinite(found.logits).all() and np.isfinite(found.gate_scores).all()):
        raise InputError(
            "The network must answer with finite numbers, but its weights lead beyond what single "
            "precision holds. Train it again."
        )


def let_go(checkpoint: Checkpoint) -> None:
    """Forget the network and the route log of a checkpoint; `kept.let_go` does the results."""
    named = checkpoint.name, checkpoint.card.weights_sha256, checkpoint
    _engine.clear(*named)
    _route_log.clear(*named)
