"""Routes of any number of images as Parquet parts in a folder, in memory that does not grow.

`_routes.json` says which network routed and how; `routes-00000.parquet`, … hold so many images each
(see `hydranet.bulk.table`). A part is there whole or not at all, and batches never cross from one
into the next: a run that is stopped and started again ends with the same bytes. The underscore
hides the settings from readers of Parquet folders.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hydranet.bulk.items import Item
from hydranet.bulk.routing import route
from hydranet.bulk.rows import Settings
from hydranet.bulk.table import rows_table, settings_json, table_bytes
from hydranet.engines import Engine
from hydranet.errors import InputError
from hydranet.files import write_whole

PART = 4096
_REASONS = 5
_SETTINGS = "_routes.json"
_PATTERN = "routes-*.parquet"


@dataclass
class Summary:
    """Of all images in the folder: how many, how many of them were `rejected` (`reasons`: of the
    first few, with their files), and sums over the others. `now`: images of this run alone, which
    took `seconds`."""

    images: int = 0
    rejected: int = 0
    branches: int = 0
    macs: int = 0
    parts: int = 0
    now: int = 0
    seconds: float = 0.0
    reasons: list[tuple[str, str]] = field(default_factory=list)

    @property
    def routed(self) -> int:
        """Images that were answered."""
        return self.images - self.rejected


def route_to_parts(
    engine: Engine,
    items: Iterable[Item],
    folder: Path,
    settings: Settings,
    *,
    part_images: int = PART,
    workers: int = 1,
    on_progress: Callable[[int], None] = lambda done: None,
) -> Summary:
    """Route `items` into `folder`, going on behind the parts that stand there from the same run.

    `on_progress` is told how many images are done; for `workers` see `routing.route`.

    Raises:
        InputError: the settings do not fit the network, the folder cannot be written, or it holds
            routes of other images or settings.
    """
    settings.check(engine.card)
    _claim(folder, {**settings_json(engine.card, settings), "part_images": part_images})
    summary, source = Summary(), iter(items)
    started = time.perf_counter()
    for item in source:
        part = islice(chain((item,), source), part_images)  # a stream: its bytes are never all here
        path = _path(folder, summary.parts)
        if path.exists():
            _add(summary, _standing(path, [one.name for one in part], folder))
        else:
            rows = []
            for row in route(engine, part, settings, first=summary.images, workers=workers):
                rows.append(row)
                on_progress(summary.images + len(rows))
            table = rows_table(rows, engine.card, settings)
            write_whole(path, table_bytes(table))
            _add(summary, table)
            summary.now += len(rows)
        summary.parts += 1
        on_progress(summary.images)
    if _path(folder, summary.parts).exists():
        raise _other_images(folder)
    summary.seconds = time.perf_counter() - started
    return summary


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
            f"{folder} holds routes of another network or with other settings. Choose another "
            "folder, or give the settings in its _routes.json to go on."
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


def _add(summary: Summary, part: pa.Table) -> None:
    summary.images += part.num_rows
    summary.macs += pc.sum(part["macs"]).as_py() or 0
    if "fired" in part.column_names:
        summary.branches += pc.sum(pc.list_value_length(part["fired"])).as_py() or 0
    bad = part.filter(pc.is_valid(part["reason"]))
    summary.rejected += bad.num_rows
    wanted = bad.slice(0, _REASONS - len(summary.reasons))
    summary.reasons += zip(wanted["file"].to_pylist(), wanted["reason"].to_pylist(), strict=True)
