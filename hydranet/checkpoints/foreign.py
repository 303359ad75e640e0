"""A checkpoint as a stranger hands it over: a ZIP of its folder, or its files. Light.

What one's own network may cost, a stranger's may not: others compute on the same machine. So the
card is held to bounds before the weights are looked at, and the weights are read and checked whole
before any network is built of them.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from hydranet.bulk.items import as_text
from hydranet.checkpoints.card import Card, read_card
from hydranet.checkpoints.folders import CARD, ROUTES, WEIGHTS, Checkpoint, find_checkpoint
from hydranet.checkpoints.weight_shapes import weight_shapes
from hydranet.checkpoints.weights import read_weights
from hydranet.config import ArchitectureConfig
from hydranet.errors import InputError
from hydranet.files import write_whole
from hydranet.intake.zips import Limits, is_hidden, mebibytes, open_zip, read_entry, why_not

MOST_BYTES: Final = 64 * 2**20
"""Of all its files, packed or not."""

_CARD_BYTES: Final = 2**20
_CLASSES: Final = 1000
_MACS: Final = 2 * 10**9
_VALUES: Final = 8 * 10**6
_TENSORS: Final = 10_000
_ROWS: Final = 200_000
_NAMES = {WEIGHTS: WEIGHTS, "weights.safetensors": WEIGHTS, CARD: CARD, ROUTES: ROUTES}
_LIMITS = Limits(entries=1000, total=MOST_BYTES, entry=MOST_BYTES)
_ALL = "its card.json, its model.safetensors and, if there is one, its routes.parquet"


@dataclass(frozen=True)
class _Named:
    name: str
    content: bytes


def receive(files: Sequence[tuple[str, bytes]], folder: Path) -> Checkpoint:
    """Write a stranger's named files to the empty `folder` and open them as a checkpoint.

    Raises:
        InputError: they are not one checkpoint, one of them is damaged, or the network is beyond
            what a stranger's may cost; `folder` may then hold some of them.
    """
    parts = _parts(files)
    for name in (CARD, WEIGHTS):
        if name not in parts:
            raise InputError(
                f"A checkpoint needs a {name}, and there is none in what you handed over. Hand "
                f"over a ZIP of its folder, or {_ALL}."
            )
    write_whole(folder / CARD, parts[CARD])
    if len(parts[CARD]) > _CARD_BYTES:
        raise InputError(f"{CARD} must have at most {mebibytes(_CARD_BYTES)}, but it has more.")
    _check_bounds(read_card(folder / CARD))
    for name, content in parts.items():
        write_whole(folder / name, content)
    checkpoint = find_checkpoint(folder)
    _check_weights(checkpoint)
    if ROUTES in parts:
        _check_routes(checkpoint)
    return checkpoint


def _parts(files: Sequence[tuple[str, bytes]]) -> dict[str, bytes]:
    """The files of a checkpoint by the names that they have in a folder."""
    if sum(len(content) for _, content in files) > MOST_BYTES:
        raise InputError(
            f"A checkpoint must have at most {mebibytes(MOST_BYTES)}, but these files have more."
        )
    found: dict[str, bytes] = {}
    for file in _unpacked(files):
        name = _NAMES.get(file.name.replace("\\", "/").rpartition("/")[2])
        if name in found:
            raise InputError(
                f"There must be one {name}, but there are several. Hand over one checkpoint at a "
                "time."
            )
        if name is not None:
            found[name] = file.content
    return found


def _unpacked(files: Sequence[tuple[str, bytes]]) -> list[_Named]:
    found = []
    for name, content in files:
        if name.lower().endswith(".zip"):
            found += _in_zip(name, content)
        else:
            found.append(_Named(name, content))
    return found


def _in_zip(name: str, content: bytes) -> list[_Named]:
    """The files of a checkpoint in a ZIP; others in it are left alone."""
    found, total = [], 0
    archive = open_zip(io.BytesIO(content), name, _LIMITS)
    for info in archive.infolist():
        if is_hidden(info) or info.filename.replace("\\", "/").rpartition("/")[2] not in _NAMES:
            continue
        total += info.file_size
        reason = why_not(info, _LIMITS)
        if total > _LIMITS.total:
            reason = f"It must unpack to at most {mebibytes(_LIMITS.total)} with all its files."
        try:
            if reason:
                raise InputError(reason)
            found.append(_Named(info.filename, read_entry(archive, info)))
        except InputError as error:
            shown = as_text(f"{name}/{info.orig_filename}")
            raise InputError(f"{shown}: {error}") from error
    return found


def _check_bounds(card: Card) -> None:
    """Raise InputError where the network is larger than a stranger's may be."""
    from hydranet.specialisation.layout import MOST_BRANCHES  # needs DuckDB; this file does not

    costs, config = card.costs, card.architecture
    asked = {
        "classes": (config.num_classes, _CLASSES),
        "branches": (costs.num_branches, MOST_BRANCHES),
        "MACs with all branches": (costs.all_branches_macs, _MACS),
        "values between its layers for one image": (_values(config), _VALUES),
        "parameters": (costs.parameters, MOST_BYTES // 2),
    }
    for what, (value, most) in asked.items():
        if value > most:
            raise InputError(
                f"A network of yours may have at most {most:,} {what} here, but the card "
                f"describes one of {value:,}. Run it on a machine of your own."
            )
    if (count := len(weight_shapes(config))) > _TENSORS:
        raise InputError(
            f"A network of yours may have at most {_TENSORS:,} tensors here, but the card "
            f"describes one of {count:,}. Run it on a machine of your own."
        )


def _values(config: ArchitectureConfig) -> int:
    """How many numbers the layers of a network put out for one image if all of it runs, at most."""
    values = config.values()
    if values is None:
        raise InputError(f"The family {config.family!r} cannot be handed over.")
    return values


def _check_weights(checkpoint: Checkpoint) -> None:
    """Raise InputError unless the weights fit the card and are finite, variances not negative."""
    for name, values in read_weights(checkpoint).items():
        least = 0.0 if name.endswith("running_var") else -np.inf
        if not np.isfinite(values).all() or (values < least).any():
            raise InputError(
                f"{WEIGHTS} must hold finite numbers, and variances that are not negative, but "
                f"{name} does not. Store it again."
            )


def _check_routes(checkpoint: Checkpoint) -> None:
    """Raise InputError where the route log is not one of this network, or too long."""
    from hydranet.specialisation.layout import read_layout
    from hydranet.specialisation.table import open_route_table

    path, card = checkpoint.folder / ROUTES, checkpoint.card
    layout, costs = read_layout(path), card.costs
    if layout.num_branches != costs.num_branches:
        raise InputError(
            f"{ROUTES} must be of a network with {costs.num_branches} branches, as the card says, "
            f"but it has {layout.num_branches}."
        )
    # DuckDB reads no more than a file says that it holds; what reads the log later trusts it.
    open_route_table(
        path,
        num_classes=len(card.class_names),
        subtask_of_class=card.subtask_of_class,
        most_rows=_ROWS,
        fewer=card.policy.in_a_row or card.policy.by_token,
    ).close()
