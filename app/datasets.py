"""A whole data set through one network: route tables and what is asked of them, cached. Draws
nothing."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from hydranet.card import Card
from hydranet.checkpoints import ROUTES, Checkpoint
from hydranet.class_features import CLASS_FEATURES, ClassFeatures, read_class_features
from hydranet.errors import InputError
from hydranet.specialisation import Pair, RouteTable, compare_logs, open_route_table

MOST_BYTES = 20 * 2**20
MOST_ROWS = 5_000_000
T = TypeVar("T")


@dataclass(frozen=True)
class DataSet:
    """Images through one network. `key` tells it from every other; `own`: the name of the visitor's
    file, None for the images that the network was tested on; `features`: the mean of
    each class, where they are known."""

    key: str
    checkpoint: Checkpoint
    table: RouteTable
    own: str | None = None
    features: ClassFeatures | None = None

    @property
    def card(self) -> Card:
        """Of the network."""
        return self.checkpoint.card

    @property
    def class_names(self) -> tuple[str, ...]:
        """As on the card."""
        return self.card.class_names

    def ask(self, view: Callable[..., T], *arguments: object) -> T:
        """`view(table, *arguments)`, from the cache if it was asked before."""
        return _asked(self.key, view.__name__, repr(arguments), view, self.table, arguments)


@st.cache_data(max_entries=1024, show_spinner=False)
def _asked(
    key: str, name: str, described: str, _view: Callable[..., Any], _table: RouteTable,
    _arguments: tuple[object, ...],
) -> Any:  # fmt: skip
    return _view(_table, *_arguments)


def of_checkpoint(checkpoint: Checkpoint) -> DataSet:
    """The test images of a checkpoint; InputError if its route log does not fit."""
    path = checkpoint.folder / ROUTES
    try:
        key = f"{path} {path.stat().st_mtime_ns} {checkpoint.card.weights_sha256}"
    except OSError as error:
        raise InputError(f"{ROUTES} cannot be read: {error.strerror}.") from None
    features = _features(key, checkpoint, checkpoint.folder / CLASS_FEATURES)
    return DataSet(key, checkpoint, _table(key, checkpoint, path), features=features)


def of_upload(checkpoint: Checkpoint, name: str, content: bytes) -> DataSet:
    """A visitor's own log, read with the classes and subtasks of the network.

    Raises:
        InputError: it is too large, no route log, or of another number of classes or branches.
    """
    if len(content) > MOST_BYTES:
        raise InputError(
            f"The file has {len(content) / 2**20:.1f} MiB; at most {MOST_BYTES >> 20} are taken. "
            "Give fewer rows."
        )
    digest = hashlib.sha256(content).hexdigest()
    key = f"{digest} {checkpoint.name} {checkpoint.card.weights_sha256}"
    return DataSet(key, checkpoint, _own_table(key, checkpoint, content), own=name)


@st.cache_resource(max_entries=8, show_spinner="Reading the routes…")
def _table(key: str, _checkpoint: Checkpoint, _path: Path) -> RouteTable:
    return _open(_checkpoint, _path)


@st.cache_resource(max_entries=8, show_spinner=False)
def _features(key: str, _checkpoint: Checkpoint, _path: Path) -> ClassFeatures | None:
    return read_class_features(_path, num_classes=len(_checkpoint.card.class_names))


@st.cache_resource(max_entries=4, show_spinner="Reading your routes…")
def _own_table(key: str, _checkpoint: Checkpoint, _content: bytes) -> RouteTable:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "yours.parquet"
        path.write_bytes(_content)
        return _open(_checkpoint, path, most_rows=MOST_ROWS)


def _open(checkpoint: Checkpoint, path: Path, *, most_rows: int | None = None) -> RouteTable:
    card = checkpoint.card
    return open_route_table(
        path,
        num_classes=len(card.class_names),
        subtask_of_class=card.subtask_of_class,
        most_rows=most_rows,
    )


def same_images(checkpoint: Checkpoint, others: list[Checkpoint]) -> list[Checkpoint]:
    """Other networks that were tested on the same images with the same classes."""
    card = checkpoint.card
    return [
        other
        for other in others
        if other.name != checkpoint.name
        and other.card.data.test_sha256 == card.data.test_sha256
        and other.card.class_names == card.class_names
    ]


def pair(first: Checkpoint, second: Checkpoint) -> Pair:
    """Two networks on the same test images; InputError if their logs are of different ones."""
    paths = [checkpoint.folder / ROUTES for checkpoint in (first, second)]
    key = " ".join(f"{path} {path.stat().st_mtime_ns}" for path in paths)
    return _pair(key, first, paths)


@st.cache_data(max_entries=32, show_spinner=False)
def _pair(key: str, _checkpoint: Checkpoint, _paths: list[Path]) -> Pair:
    return compare_logs(*_paths, num_classes=len(_checkpoint.card.class_names))
