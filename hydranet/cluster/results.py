"""The folder of routes that a cluster writes: Hive partitions `part=0/`, `part=1/`, … of Parquet.

`_routes.json` says of what and how, with the digest of the plan. A part is whole when its files
have as many rows as it has images; one that is not is removed before a run, and done again. Light:
no Ray.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import fs

from hydranet.bulk.parts import Summary
from hydranet.bulk.remote import Place, Remote
from hydranet.bulk.rows import Settings
from hydranet.bulk.table import settings_json, table_bytes
from hydranet.checkpoints.card import Card
from hydranet.cluster.plan import Part, Plan
from hydranet.errors import InputError, one_line

PARTITION = "part"
_SETTINGS = "_routes.json"
_SUMMED = ["index", "file", "macs", "fired", "reason"]


class Results:
    """A folder on any file system."""

    def __init__(self, folder: Place) -> None:
        self._shown = str(folder)
        if isinstance(folder, Remote):
            self.filesystem, self.path = folder.filesystem, folder.path
        else:
            self.filesystem, self.path = fs.LocalFileSystem(), str(folder.resolve())

    def claim(self, card: Card, settings: Settings, plan: Plan) -> None:
        """Write what is routed and how into a folder without routes.

        Raises:
            InputError: other routes stand there, or it cannot be written.
        """
        wanted = {
            **settings_json(card, settings),
            "part_images": plan.part_images,
            "images_sha256": plan.digest,
        }
        with self._reached():
            there = self._content(_SETTINGS)
            if there is None:
                selector = fs.FileSelector(self.path, allow_not_found=True)
                if any(_is_ours(info) for info in self.filesystem.get_file_info(selector)):
                    raise self._others()
                self.filesystem.create_dir(self.path)
                text = json.dumps(wanted, indent=1, ensure_ascii=False) + "\n"
                with self.filesystem.open_output_stream(f"{self.path}/{_SETTINGS}") as file:
                    file.write(text.encode())
                return
        try:
            same = json.loads(there) == wanted
        except ValueError:
            same = False
        if not same:
            raise self._others()

    def whole(self, sizes: Mapping[int, int]) -> set[int]:
        """The parts that are there with all their rows; what is there of others is removed.

        `sizes`: how many images each part has.
        """
        with self._reached():
            rows = self._rows()
            whole = {part for part, size in sizes.items() if rows[part] == size}
            for part in rows.keys() - whole:
                self.filesystem.delete_dir(f"{self.path}/{PARTITION}={part}")
            return whole

    def write(self, part: Part, tables: Iterable[pa.Table]) -> int:
        """Write the routes of a part, or of a run of it, into a file of its own; how many there
        are. Whoever writes them again writes that file again.

        Raises:
            OSError: the file system fails.
        """
        table = pa.concat_tables(tables).combine_chunks()
        folder = f"{self.path}/{PARTITION}={part.number}"
        self.filesystem.create_dir(folder)
        with self.filesystem.open_output_stream(
            f"{folder}/routes-{part.first:012}.parquet"
        ) as file:
            file.write(table_bytes(table))
        return len(table)

    def summary(self, sizes: Mapping[int, int]) -> Summary:
        """Of all that is there.

        Raises:
            InputError: a part is not whole.
        """
        with self._reached():
            rows = self._rows()
            if missing := sorted(part for part, size in sizes.items() if rows[part] != size):
                raise InputError(
                    f"{len(missing):,} of {len(sizes):,} parts in {self._shown} are not whole, the "
                    f"first is {PARTITION}={missing[0]}. Start again to have them done."
                )
            summary = Summary()
            found = self._dataset()
            columns = [name for name in _SUMMED if name in found.schema.names]
            for batch in found.to_batches(columns=columns):
                summary.add(pa.table(batch))
        summary.parts = len(sizes)
        return summary

    def _rows(self) -> Counter[int]:
        """How many rows each part has; a file that is cut short makes it one that is not whole."""
        selector = fs.FileSelector(self.path, recursive=True, allow_not_found=True)
        rows: Counter[int] = Counter()
        for info in self.filesystem.get_file_info(selector):
            part = info.path.rpartition("/")[0].rpartition(f"/{PARTITION}=")[2]
            if info.type != fs.FileType.File or not part.isdigit():
                continue
            with self.filesystem.open_input_file(info.path) as file:
                try:
                    rows[int(part)] += pq.read_metadata(file).num_rows
                except pa.ArrowException:
                    rows[int(part)] -= 2**62
        return rows

    def _dataset(self) -> ds.Dataset:
        return ds.dataset(
            self.path, filesystem=self.filesystem, format="parquet", partitioning="hive"
        )

    def _content(self, name: str) -> bytes | None:
        path = f"{self.path}/{name}"
        if self.filesystem.get_file_info(path).type == fs.FileType.NotFound:
            return None
        with self.filesystem.open_input_stream(path) as file:
            return file.read()

    def _others(self) -> InputError:
        return InputError(
            f"{self._shown} holds routes of other images, of another network or with other "
            "settings, or was not written by --engine ray. Choose another folder, or give what its "
            f"{_SETTINGS} says to go on."
        )

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"{self._shown} cannot be reached or written: {one_line(error)}. Check the "
                "address, the credentials and the network."
            ) from None


def _is_ours(info: fs.FileInfo) -> bool:
    name = info.base_name
    return name.endswith(".parquet") or name.startswith(f"{PARTITION}=") or name == _SETTINGS
