"""What one actor of the pool does: the batches of a block through its own engine, on one thread."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import ray

from hydranet.bulk.batch import BatchRouter
from hydranet.bulk.rows import Settings
from hydranet.card import Card
from hydranet.checkpoints import CARD, WEIGHTS, Checkpoint, find_checkpoint
from hydranet.cluster.reading import from_row
from hydranet.engines import open_engine


@dataclass(frozen=True)
class Packed:
    """A checkpoint with the bytes of its files, so that no other machine needs to have it."""

    card: Card
    files: dict[str, bytes]

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Packed:
        """Read them."""
        files = {name: (checkpoint.folder / name).read_bytes() for name in (CARD, WEIGHTS)}
        return cls(checkpoint.card, files)

    def unpack(self, root: Path) -> Checkpoint:
        """Write and check it, in a folder of its name under `root`."""
        folder = root / self.card.name
        folder.mkdir()
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        return find_checkpoint(folder)


class Worker:
    """Called by Ray Data with blocks of `reading.SCHEMA`; a table of routes for each batch."""

    def __init__(self, packed: ray.ObjectRef[Packed], settings: Settings) -> None:
        with tempfile.TemporaryDirectory(prefix="hydranet-") as root:
            engine = open_engine(ray.get(packed).unpack(Path(root)), gpu=False, threads=1)
        self._route = BatchRouter(engine, settings)

    def __call__(self, block: pa.Table) -> Iterator[pa.Table]:
        """The routes of each batch, with the number of its part in the column `part`."""
        for row in block.to_pylist():
            routes = self._route(from_row(row))
            part = pa.array([row["part"]] * len(routes), pa.int32())
            yield routes.append_column("part", part)
