"""What one worker of the pool does: parts, through its own engine, on one thread."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import ray
from numpy.typing import NDArray
from ray._common.retry import call_with_retry
from ray.data import DataContext

from hydranet.bulk.batch import BatchRouter
from hydranet.bulk.rows import Settings
from hydranet.checkpoints import CARD, WEIGHTS, Checkpoint, find_checkpoint
from hydranet.checkpoints.card import Card
from hydranet.cluster.plan import Part
from hydranet.cluster.reading import read_part
from hydranet.cluster.results import Results
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
    """Called by Ray Data with parts; reads, routes and writes each as a whole.

    No image and no row passes from one process to another. What Ray takes for a passing fault of
    the network is tried again, as its own readers and writers do. A part that was written before
    the worker was lost is written again, to the same file.
    """

    def __init__(self, packed: ray.ObjectRef[Packed], settings: Settings, results: Results) -> None:
        with tempfile.TemporaryDirectory(prefix="hydranet-") as root:
            engine = open_engine(ray.get(packed).unpack(Path(root)), gpu=False, threads=1)
        self._route, self._results = BatchRouter(engine, settings), results

    def __call__(self, block: dict[str, NDArray[np.object_]]) -> dict[str, NDArray[np.int64]]:
        """`part`: of type `Part`; gives back how many `rows` each has."""
        return {"rows": np.array([self._done(part) for part in block["part"]])}

    def _done(self, part: Part) -> int:
        return call_with_retry(
            lambda: self._results.write(part, self.tables(part)),
            f"route part {part.number}",
            match=DataContext.get_current().retried_io_errors,
        )

    def tables(self, part: Part) -> Iterator[pa.Table]:
        """The routes of each batch of a part."""
        return map(self._route, read_part(part))
