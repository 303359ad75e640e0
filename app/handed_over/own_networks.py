"""Networks that a visitor handed over: on offer in that session alone, gone with it. Draws nothing.

Each is called by its card's name and a number that no other has on this server, and everything
that is computed with a network is kept under its name, so nobody else can come by it. Files lie in
a folder of their own that only this process may read, until the network is let go.
"""

from __future__ import annotations

import itertools
import queue
import tempfile
import threading
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import streamlit as st

from app import services, torch_services
from app.cores import kept
from app.handed_over import own_files
from app.handed_over.own_network import OwnNetwork
from app.server.logs import log
from hydranet.checkpoints import Checkpoint, DamagedCheckpoint
from hydranet.checkpoints.foreign import MOST_BYTES, receive
from hydranet.errors import InputError

MOST_NETWORKS = 3
MOST_BYTES_ON_SERVER = 2**30
"""Of all visitors' networks together."""

_OWN = "own_networks"
_NUMBERS = itertools.count(1)
_LONGEST_NAME = 40


class OwnNetworks:
    """The networks of one session. When it goes, they are let go."""

    def __init__(self) -> None:
        self._held: list[OwnNetwork] = []
        _begin_letting_go()
        # Whatever lock this thread may hold when the last reference goes, a queue takes it.
        weakref.finalize(self, _GONE.put, self._held)

    def __iter__(self) -> Iterator[OwnNetwork]:
        return iter(tuple(self._held))

    def __len__(self) -> int:
        return len(self._held)

    def add(self, files: Sequence[tuple[str, bytes]]) -> OwnNetwork:
        """Take in a checkpoint; see `hydranet.checkpoints.foreign.receive`.

        Raises:
            InputError: it is not sound or too large, or too many are held.
        """
        if len(self) >= MOST_NETWORKS:
            raise InputError(
                f"At most {MOST_NETWORKS} networks of yours are held at a time. Forget one first."
            )
        _HELD.take(size := MOST_BYTES)  # what it may unpack to; more than that is refused
        folder = tempfile.TemporaryDirectory(dir=own_files.folder(), ignore_cleanup_errors=True)
        try:
            found = receive(files, Path(folder.name))
            held = sum(path.stat().st_size for path in found.folder.iterdir())
            _HELD.give_back(size - held)
            size = held
            name = f"{found.card.name[:_LONGEST_NAME]} (yours, {next(_NUMBERS)})"
            network = OwnNetwork(
                name=name, folder=found.folder, card=replace(found.card, name=name), files=folder,
                size=size,
            )  # fmt: skip
        except BaseException:
            _HELD.give_back(size)
            folder.cleanup()
            raise
        try:
            services.check_answers(network)
        except BaseException:
            _let_go(network)
            raise
        self._held.append(network)
        return network

    def forget(self, network: OwnNetwork) -> None:
        """Let one go at once."""
        self._held.remove(network)
        _let_go(network)


class _Held:
    """Bytes of all visitors' networks."""

    def __init__(self) -> None:
        self.bytes = 0
        self._lock = threading.Lock()

    def take(self, size: int) -> None:
        """Raise InputError where there is no room."""
        with self._lock:
            if self.bytes + size > MOST_BYTES_ON_SERVER:
                raise InputError(
                    "This server holds as many visitors' networks as it can. Try again later."
                )
            self.bytes += size

    def give_back(self, size: int) -> None:
        with self._lock:
            self.bytes -= size


_HELD = _Held()


def bytes_held() -> int:
    """Of all visitors' networks."""
    return _HELD.bytes


_GONE: queue.SimpleQueue[list[OwnNetwork]] = queue.SimpleQueue()
_LETTING_GO = threading.Lock()
_threads: list[threading.Thread] = []


def _begin_letting_go() -> None:
    """Start the thread that lets go what sessions left behind, once."""
    with _LETTING_GO:
        if not _threads:
            _threads.append(threading.Thread(target=_let_go_for_ever, daemon=True))
            _threads[0].start()


def _let_go_for_ever() -> None:
    while True:
        for network in _GONE.get():
            _let_go(network)


def _let_go(network: OwnNetwork) -> None:
    """Forget all that was computed with a network, and remove its files."""
    for module in (services, torch_services):
        module.let_go(network)
    kept.let_go(network.name)
    network.files.cleanup()
    _HELD.give_back(network.size)
    log.info("own network let go", extra={"fields": {"bytes": network.size}})


def held() -> OwnNetworks:
    """Those of this session."""
    if _OWN not in st.session_state:
        st.session_state[_OWN] = OwnNetworks()
    networks = st.session_state[_OWN]
    assert isinstance(networks, OwnNetworks)
    return networks


def on_offer() -> tuple[list[Checkpoint], list[DamagedCheckpoint]]:
    """All networks that this visitor may choose, and the checkpoints that are left out."""
    good, damaged = services.checkpoints()
    return [*good, *held()], damaged
