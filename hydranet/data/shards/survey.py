"""One look at every image of a streamed set before it is used: which cannot be read, and what the
readable ones are alike.

The look costs as much as reading them for an epoch. What it found is kept in the user's cache
folder, under the files' sizes and times of change, so that a run that goes on, the next network, or
the evaluation does not look again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hydranet.data.dataset import Statistics, add_to_histogram, empty_histogram, statistics_of
from hydranet.data.shards.reading import pieces_of, read_pieces
from hydranet.errors import InputError
from hydranet.files import cache_folder, write_whole

if TYPE_CHECKING:
    from hydranet.data.shards import ShardSet

_KEPT = 256
"""Surveys that are kept; each takes some kilobytes."""


@dataclass(frozen=True)
class Survey:
    """`sha256` and `histogram`, (3, 256), of the readable images; `unreadable`: the places of the
    others with the reasons."""

    sha256: str
    histogram: list[list[int]]
    unreadable: dict[int, str]

    def statistics(self) -> Statistics:
        """Mean and standard deviation of each channel, in units of full scale (0 to 1)."""
        return statistics_of(np.asarray(self.histogram, np.int64))


def survey(
    images: ShardSet, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> Survey:
    """Read every image once, or remember what that gave before.

    `on_progress` is told images read and images in all.
    """
    path = cache_folder("surveys") / f"{_key(images)}.json"
    if (kept := _kept(path)) is not None:
        return kept
    digest, histogram = hashlib.sha256(), empty_histogram()
    unreadable: dict[int, str] = {}
    pieces = pieces_of(images.index, images.rows)
    done, readable = 0, np.ones(len(images), np.bool_)
    for part in read_pieces(
        images.index, images.rows, pieces, side=images.side, workers=images.workers
    ):
        digest.update(part.pixels.data)
        add_to_histogram(histogram, part.pixels)
        unreadable |= part.unreadable
        done += len(part.places) + len(part.unreadable)
        on_progress(done, len(images))
    readable[list(unreadable)] = False
    digest.update(images.labels[readable].astype("<i8").data)
    found = Survey(digest.hexdigest(), histogram.tolist(), unreadable)
    _keep(path, found)
    return found


def _key(images: ShardSet) -> str:
    """A name for what is in the files and for what is read of them."""
    digest = hashlib.sha256(str(images.side).encode())
    for shard in images.index.shards:
        state = shard.stat()
        digest.update(
            f"\n{shard} {state.st_size} {state.st_mtime_ns}".encode("utf-8", "surrogateescape")
        )
    digest.update(images.index.offset.astype("<i8").data)
    digest.update(images.rows.astype("<i8").data)
    return digest.hexdigest()


def _kept(path: Path) -> Survey | None:
    """A survey from the cache; None where there is none that is whole."""
    try:
        found = Survey(**json.loads(path.read_bytes()))
        histogram = np.asarray(found.histogram, np.int64)
        unreadable = {int(place): str(why) for place, why in found.unreadable.items()}
        if histogram.shape != (3, 256) or len(bytes.fromhex(found.sha256)) != 32:
            return None
        return Survey(found.sha256, found.histogram, unreadable)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return None


def _keep(path: Path, found: Survey) -> None:
    """Where the folder can be written; those that are oldest go."""
    with suppress(InputError, OSError):
        write_whole(path, json.dumps(asdict(found)).encode())
        kept = sorted(path.parent.glob("*.json"), key=lambda one: one.stat().st_mtime)
        for old in kept[:-_KEPT]:
            old.unlink()
