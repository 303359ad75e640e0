"""Labelled images of one visitor through a network, as a route log. They live in the session.

Work goes on in small steps, so that it can stop between any two and what is done is kept; each
takes its own place in the line for a core, and none takes the last one.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from app import torch_services
from app.cores.computing import admitted
from app.handed_over import gone
from hydranet.bulk import sources
from hydranet.bulk.items import Item, as_text
from hydranet.bulk.tables import check_unpacked, read_rows
from hydranet.checkpoints import Checkpoint
from hydranet.errors import InputError
from hydranet.evaluation.route_log import route_log_bytes
from hydranet.intake.archives import open_archive
from hydranet.intake.zips import Limits

if TYPE_CHECKING:
    from hydranet.bulk.labelled import LabelledRun
    from hydranet.evaluation.labelled import Evaluation

MOST_IMAGES = 10_000
MOST_BYTES = 100 * 2**20
MOST_FILE_BYTES = 64 * 2**20
"""Of one file: what the server takes at all, see .streamlit/config.toml."""
MOST_ENTRIES = 20_000
MOST_FROM_PATH = 100_000
_STEP = 64
_STEP_S = 0.5
_ROWS_AT_ONCE = 8
"""Of a stranger's table: one value may stand in many rows of a small file."""


class OwnImages:
    """Labelled images, and what a network made of them.

    `items` gives them again each time, in one order; `total`: how many; `notes`: sentences about
    what was left out beforehand; `goal`: how many are to be done, less than all where the visitor
    stopped the work; `private`: see `gone.private_name`.
    """

    def __init__(
        self, name: str, items: Callable[[], Iterator[Item]], total: int, notes: Iterable[str] = ()
    ) -> None:
        self.name, self.items, self.total, self.notes = name, items, total, tuple(notes)
        self.goal = total
        self.private = gone.private_name(self)
        self._checkpoint: Checkpoint | None = None
        self._run: LabelledRun | None = None
        self._evaluation: tuple[int, Evaluation] | None = None
        self._log: tuple[int, bytes] | None = None

    @property
    def checkpoint(self) -> Checkpoint:
        """Whose verdicts these are."""
        assert self._checkpoint is not None, "set_up comes first"
        return self._checkpoint

    def set_up(self, checkpoint: Checkpoint) -> None:
        """Ask for the verdicts of this network. What was computed for another one is forgotten."""
        before = self._checkpoint
        if before is None or (before.name, before.card) != (checkpoint.name, checkpoint.card):
            self._checkpoint, self._run = checkpoint, None
            self._evaluation = self._log = None

    @property
    def run(self) -> LabelledRun:
        """The work as far as it is done, after `set_up`.

        Raises:
            InputError: the network is damaged, or torch is missing.
        """
        if self._run is None:
            model = torch_services.network(self.checkpoint)
            from hydranet.bulk.labelled import LabelledRun

            self._run = LabelledRun(model, islice(self.items(), self.total))
        return self._run

    @property
    def done(self) -> int:
        """How many images were taken."""
        return 0 if self._run is None else self._run.seen

    def advance(self) -> None:
        """Do the next few; InputError as for `run`."""
        run = self.run
        with admitted(long=True):
            if not run.advance(min(_STEP, self.goal - run.seen), seconds=_STEP_S):
                self.goal = self.total = run.seen  # fewer came than were counted

    def stop(self) -> None:
        """Leave it at what is done."""
        self.goal = self.done

    def go_on(self) -> None:
        """Do the rest too."""
        self.goal = self.total

    def evaluation(self) -> Evaluation:
        """What the images so far add up to; InputError if none of them can be used."""
        if self._evaluation is None or self._evaluation[0] != self.done:
            self._evaluation = self.done, self.run.finish()
        return self._evaluation[1]

    def log(self) -> bytes:
        """The same as the file `routes.parquet` of a checkpoint."""
        if self._log is None or self._log[0] != self.done:
            self._log = self.done, route_log_bytes(self.evaluation().routes)
        return self._log[1]


def from_files(files: Iterable[tuple[str, bytes]]) -> OwnImages:
    """ZIPs and Parquet tables that a visitor handed over, as far as they may come along.

    Raises:
        InputError: there is no image in them.
    """
    items: list[Item] = []
    notes: list[str] = []
    names: list[str] = []
    held = 0
    for name, content in files:
        held += len(content)
        if held > MOST_BYTES:
            notes.append(f"{as_text(name)} and what came after it was left out: {_limits()}")
            break
        names.append(as_text(name))
        try:
            if content.startswith(b"PAR1"):
                items += _rows(name, content, notes)
            else:
                limits = Limits(entries=MOST_ENTRIES, total=MOST_BYTES)
                items += open_archive(io.BytesIO(content), name, limits).items
        except InputError as error:
            notes.append(str(error))
    if len(items) > MOST_IMAGES:
        notes.append(f"{len(items) - MOST_IMAGES:,} images were left out: {_limits()}")
        del items[MOST_IMAGES:]
    if not items:
        raise InputError(
            " ".join(notes)
            or f"There is no image in {', '.join(names) or 'what you handed over'}. Hand over a "
            "ZIP with a folder of images for each class, or a Parquet table of images and labels."
        )
    return OwnImages(", ".join(names), lambda: iter(items), len(items), notes)


def from_path(path: Path) -> OwnImages:
    """A folder, ZIP or Parquet table of this machine.

    Raises:
        InputError: there is no image in it.
    """
    total = sources.count([path])
    if not total:
        raise InputError(f"There is no image, archive or table in {as_text(path.name)}.")
    notes = []
    if total > MOST_FROM_PATH:
        notes.append(
            f"Only the first {MOST_FROM_PATH:,} of {total:,} images are taken; hydranet route "
            "--log takes all of them."
        )
    name = as_text(path.name)
    return OwnImages(name, partial(sources.iterate, [path]), min(total, MOST_FROM_PATH), notes)


def _rows(name: str, content: bytes, notes: list[str]) -> Iterator[Item]:
    """The rows of a table, until they are too much."""
    check_unpacked(io.BytesIO(content), name, most_bytes=MOST_BYTES)
    held = 0
    try:
        rows = read_rows(io.BytesIO(content), name, rows_at_once=_ROWS_AT_ONCE)
        for item in islice(rows, MOST_IMAGES + 1):
            with suppress(InputError):  # of an empty row: it is listed with its reason later
                held += len(item.load())
            if held > MOST_BYTES:
                notes.append(f"The rows from {item.name} on were left out: {_limits()}")
                return
            yield item
    except (pa.ArrowException, OSError) as error:
        notes.append(f"{as_text(name)} cannot be read to its end: {as_text(str(error))}")
    except InputError as error:
        raise InputError(f"{as_text(name)} cannot be read: {error}") from None


def _limits() -> str:
    return (
        f"at most {MOST_IMAGES:,} images and {MOST_BYTES >> 20} MiB are taken at a time. For more, "
        "run hydranet route --log on your own machine and open its log here."
    )
