"""A whole data set through one network: route tables and what is asked of them, cached. Draws
nothing."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
import streamlit as st

from app.cores.kept import Kept
from app.data_images import DataImages, OfItems
from app.handed_over.own_images import OwnImages
from app.handed_over.own_network import OwnNetwork
from app.words.classes import readable_names
from hydranet.checkpoints import ROUTES, Checkpoint
from hydranet.checkpoints.card import Card
from hydranet.errors import InputError
from hydranet.evaluation.class_features import CLASS_FEATURES, ClassFeatures, read_class_features
from hydranet.specialisation import Pair, RouteTable, compare_logs, open_route_table

MOST_BYTES = 20 * 2**20
MOST_ROWS = 5_000_000
_ZOO = 40
"""So many checkpoints' tables are kept: with 10,000 test images each they are small. Those at a
path of the server may be of any length."""
T = TypeVar("T")


@dataclass(frozen=True)
class DataSet:
    """Images through one network. `key` tells it from every other; `own`: the name of the visitor's
    file, None for the images that the network was tested on; `features`: the mean of
    each class, where they are known; `images`: a visitor's own, where they are at hand. `private`:
    the name under which all that is computed of a visitor's data is kept, and goes with it."""

    key: str
    checkpoint: Checkpoint
    table: RouteTable
    own: str | None = None
    features: ClassFeatures | None = None
    images: DataImages | None = None
    private: str | None = None

    @property
    def card(self) -> Card:
        """Of the network."""
        return self.checkpoint.card

    @property
    def class_names(self) -> tuple[str, ...]:
        """As they are read."""
        return readable_names(self.card.class_names)

    def ask(self, view: Callable[..., T], *arguments: object) -> T:
        """`view(table, *arguments)`, from the cache if it was asked before."""
        key = self.key, view.__name__, repr(arguments)
        return _once(
            _asked, self.checkpoint, key, view, self.table, arguments,
            kept=_FIGURES, private=self.private,
        )  # fmt: skip


_TABLES: Kept[tuple[str, ...], Any] = Kept(8)
_FIGURES: Kept[tuple[str, ...], Any] = Kept(256)
"""Of visitors' own networks and data: under their names, so that it goes with them."""


def _once(
    cached: Callable[..., Any], checkpoint: Checkpoint, key: tuple[str, ...], *rest: object,
    kept: Kept[tuple[str, ...], Any] = _TABLES, private: str | None = None,
) -> Any:  # fmt: skip
    """`cached(*key, *rest)`, which Streamlit keeps for all sessions; or of a visitor's network or
    data, what it would compute, kept apart."""
    if not isinstance(checkpoint, OwnNetwork) and private is None:
        return cached(*key, *rest)
    asked = private or "", checkpoint.name, cached.__name__, *key
    found = kept.get(asked)
    if found is None:
        found = cached.__wrapped__(*key, *rest)  # type: ignore[attr-defined] # Streamlit sets it
        kept.put(asked, found)
    return found


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
    features = _once(_features, checkpoint, (key,), checkpoint, checkpoint.folder / CLASS_FEATURES)
    return DataSet(
        key, checkpoint, _once(_table, checkpoint, (key,), checkpoint, path), features=features
    )


def of_upload(checkpoint: Checkpoint, name: str, content: bytes, *, private: str) -> DataSet:
    """A visitor's own log, read with the classes and subtasks of the network.

    `private`: see `DataSet`.

    Raises:
        InputError: it is too large, no route log, or of another number of classes or branches.
    """
    if len(content) > MOST_BYTES:
        raise InputError(
            f"The file has {len(content) / 2**20:.1f} MiB; at most {MOST_BYTES >> 20} are taken. "
            "Give fewer rows."
        )
    return _of_content(checkpoint, name, content, private)


def _of_content(checkpoint: Checkpoint, name: str, content: bytes, private: str) -> DataSet:
    digest = hashlib.sha256(content).hexdigest()
    key = f"{digest} {checkpoint.name} {checkpoint.card.weights_sha256}"
    table = _once(_own_table, checkpoint, (key,), checkpoint, content, private=private)
    return DataSet(key, checkpoint, table, own=name, private=private)


def is_log(path: Path) -> bool:
    """Whether a file, or `routes.parquet` in a folder, is a route log rather than images."""
    file = path / ROUTES if path.is_dir() else path
    if not file.is_file() or file.suffix != ".parquet":
        return False
    try:
        return "prediction" in pq.read_schema(file).names
    except (pa.ArrowException, OSError):
        return False


def of_path(checkpoint: Checkpoint, path: Path) -> DataSet:
    """A log on this server, or the folder of one, which may be of any length.

    Raises:
        InputError: it is no route log, or of another number of classes or branches.
    """
    if path.is_dir():
        path = path / ROUTES
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        raise InputError(f"There is no {path.name} in the folder {path.parent.name}.") from None
    key = f"{path} {stamp} {checkpoint.name} {checkpoint.card.weights_sha256}"
    features = _once(_features, checkpoint, (key,), checkpoint, path.with_name(CLASS_FEATURES))
    return DataSet(
        key, checkpoint, _once(_table_at_path, checkpoint, (key,), checkpoint, path),
        own=path.name, features=features,
    )  # fmt: skip


def of_images(own: OwnImages) -> DataSet:
    """A visitor's images as far as they are done; InputError if none of them can be used."""
    found = own.evaluation()
    data = _of_content(own.checkpoint, own.name, own.log(), own.private)
    return replace(data, features=found.class_features, images=OfItems(own.items))


@st.cache_resource(max_entries=_ZOO, show_spinner="Reading the routes…")
def _table(key: str, _checkpoint: Checkpoint, _path: Path) -> RouteTable:
    return _open(_checkpoint, _path)


@st.cache_resource(max_entries=4, show_spinner="Reading the routes…")
def _table_at_path(key: str, _checkpoint: Checkpoint, _path: Path) -> RouteTable:
    return _open(_checkpoint, _path)


@st.cache_resource(max_entries=_ZOO, show_spinner=False)
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
        fewer=card.policy.in_a_row or card.policy.by_token,
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
    own = next((one for one in (second, first) if isinstance(one, OwnNetwork)), first)
    return _once(_pair, own, (key,), first, paths)


@st.cache_data(max_entries=32, show_spinner=False)
def _pair(key: str, _checkpoint: Checkpoint, _paths: list[Path]) -> Pair:
    return compare_logs(*_paths, num_classes=len(_checkpoint.card.class_names))
