"""Routes of any number of images as Parquet parts in a folder, in memory that does not grow.

`_routes.json` says which network routed and how; `routes-00000.parquet`, … hold so many images each
(see `hydranet.bulk.table`). A part is there whole or not at all, and batches never cross from one
into the next: a run that is stopped and started again ends with the same bytes. The underscore
hides the settings from readers of Parquet folders.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hydranet.bulk.batch import Batch, BatchRouter, batches
from hydranet.bulk.items import Item
from hydranet.bulk.routing import Helpers, route_batches
from hydranet.bulk.table import settings_json, table_bytes
from hydranet.errors import InputError
from hydranet.files import write_whole

PART = 4096
_REASONS = 5
_SETTINGS = "_routes.json"
_PATTERN = "routes-*.parquet"


@dataclass
class Summary:
    """Of all images in the folder: how many, how many of them were `rejected`, and sums over the
    others. `now`: images of this run alone, which took `seconds`."""

    images: int = 0
    rejected: int = 0
    branches: int = 0
    macs: int = 0
    parts: int = 0
    now: int = 0
    seconds: float = 0.0
    _first: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def routed(self) -> int:
        """Images that were answered."""
        return self.images - self.rejected

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """File and reason of the first few that were rejected."""
        return [(file, reason) for _, file, reason in self._first]

    def add(self, part: pa.Table) -> None:
        """Count the images of a part."""
        self.images += part.num_rows
        self.macs += pc.sum(part["macs"]).as_py() or 0
        if "fired" in part.column_names:
            self.branches += pc.sum(pc.list_value_length(part["fired"])).as_py() or 0
        bad = part.filter(pc.is_valid(part["reason"])).select(["index", "file", "reason"])
        self.rejected += bad.num_rows
        few = (tuple(row.values()) for row in bad.slice(0, _REASONS).to_pylist())
        self._first = sorted([*self._first, *few])[:_REASONS]


def route_to_parts(
    router: BatchRouter,
    items: Iterable[Item],
    folder: Path,
    *,
    part_images: int = PART,
    helpers: Helpers | None = None,
    on_progress: Callable[[int], None] = lambda done: None,
) -> Summary:
    """Route `items` into `folder`, going on behind the parts that stand there from the same run.

    `on_progress` is told how many images are done; for `helpers` see `hydranet.bulk.helpers`.

    Raises:
        InputError: the folder cannot be written, or it holds routes of other images or settings.
    """
    _claim(folder, {**settings_json(router.card, router.settings), "part_images": part_images})
    started = time.perf_counter()
    summary = Summary()
    missing = _missing(iter(items), folder, part_images, summary)
    tables = route_batches(missing, router, helpers)
    for part, own in groupby(tables, lambda table: table["index"][0].as_py() // part_images):
        whole = []
        for table in own:
            whole.append(table)
            summary.now += table.num_rows
            on_progress(table["index"][-1].as_py() + 1)
        part_table = pa.concat_tables(whole).combine_chunks()
        write_whole(_path(folder, part), table_bytes(part_table))
        summary.add(part_table)
    on_progress(summary.images)
    summary.seconds = time.perf_counter() - started
    return summary


def _missing(
    source: Iterator[Item], folder: Path, part_images: int, summary: Summary
) -> Iterator[Batch]:
    """The batches of the parts that are not there, read as they are asked for; `summary` is told of
    all parts, and of what is in those that stand there."""
    while (item := next(source, None)) is not None:
        items = chain((item,), islice(source, part_images - 1))
        path = _path(folder, summary.parts)
        if path.exists():
            summary.add(_standing(path, [one.name for one in items], folder))
        else:
            yield from batches(items, first=summary.parts * part_images)
        summary.parts += 1
    if _path(folder, summary.parts).exists():
        raise _other_images(folder)


def _claim(folder: Path, settings: dict[str, Any]) -> None:
    """Write the settings into a folder without routes; InputError where others stand there."""
    path = folder / _SETTINGS
    text = json.dumps(settings, indent=1, ensure_ascii=False) + "\n"
    if path.exists():
        try:
            same = json.loads(path.read_text()) == settings
        except (OSError, ValueError):
            same = False
    else:
        same = not any(folder.glob(_PATTERN))
    if not same:
        raise InputError(
            f"{folder} holds routes of another network or with other settings, or computed in int8 "
            "where these are not, or the reverse. Choose another folder, or give the settings in "
            "its _routes.json to go on."
        )
    if not path.exists():
        write_whole(path, text.encode())


def _path(folder: Path, part: int) -> Path:
    return folder / f"routes-{part:05}.parquet"


def _standing(path: Path, names: list[str], folder: Path) -> pa.Table:
    """The part that was written before, of exactly these images."""
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"{path} cannot be read: {error}. Remove it and start again; the other parts stay."
        ) from None
    if "file" not in table.column_names or table["file"].to_pylist() != names:
        raise _other_images(folder)
    return table


def _other_images(folder: Path) -> InputError:
    return InputError(
        f"{folder} holds routes of other images: what was given has changed since. Choose another "
        "folder, or give the same to go on."
    )
