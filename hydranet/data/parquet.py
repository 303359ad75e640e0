"""Image sets as Parquet, in the layout of the Hugging Face data sets `cifar10` and `cifar100`.

A folder holds `train*.parquet` and `test*.parquet`. Columns: an image column (a struct with the
encoded file in `bytes`) and integer class columns; class names stand in the schema's metadata.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hydranet.data.dataset import ImageSet
from hydranet.data.resize import fit_square
from hydranet.errors import InputError
from hydranet.intake.images import decode_image

IMAGE_COLUMNS = ("img", "image")
LABEL_COLUMNS = ("fine_label", "label")
_SUPERCLASS_COLUMN = "coarse_label"


def is_parquet_folder(folder: Path) -> bool:
    """Whether any Parquet file lies directly in `folder`."""
    return any(folder.glob("*.parquet"))


def read_parquet(folder: Path, split: str, *, image_size: int) -> ImageSet:
    """Read `split` ("train", "validation" or "test") of a folder of Parquet files.

    Raises:
        InputError: no file of that split, a column is missing, or an image cannot be read.
    """
    paths = sorted(folder.glob(f"{split}*.parquet"))
    if not paths:
        there = ", ".join(sorted(path.name for path in folder.glob("*.parquet")))
        raise InputError(f"{folder} holds no {split}*.parquet; it holds {there}.")
    try:
        tables = [pq.read_table(path) for path in paths]
        table = pa.concat_tables(tables)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"A Parquet file of {folder} cannot be read: {error}") from None
    image_column = _first_column(table.column_names, IMAGE_COLUMNS, folder)
    label_column = _first_column(table.column_names, LABEL_COLUMNS, folder)
    labels = _labels(table[label_column], label_column, folder)
    return ImageSet(
        name=folder.name,
        images=_decode(
            {path: one[image_column] for path, one in zip(paths, tables, strict=True)}, image_size
        ),
        labels=labels,
        class_names=names_in_schema(table.schema, label_column) or _numbers(folder, label_column),
        superclasses=_superclasses(table, labels),
    )


class EncodedParquet:
    """The encoded images of a folder of Parquet files, read a few rows at a time.

    Raises:
        InputError: a file cannot be read, or lacks a column.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            schema = pq.read_schema(next(iter(sorted(folder.glob("*.parquet")))))
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"A Parquet file of {folder} cannot be read: {error}") from None
        self._image = _first_column(schema.names, IMAGE_COLUMNS, folder)
        self._label = _first_column(schema.names, LABEL_COLUMNS, folder)
        said = names_in_schema(schema, self._label)
        self.class_names = said or _numbers(folder, self._label)

    def has(self, split: str) -> bool:
        """Whether there are files of that split."""
        return bool(self._paths(split))

    def images(self, split: str) -> int:
        """How many rows a split has."""
        return sum(pq.read_metadata(path).num_rows for path in self._paths(split))

    def encoded(self, split: str) -> Iterator[tuple[str, bytes, int]]:
        """Of each row its name for a person, the encoded image, and the class.

        Raises:
            InputError: a file cannot be read, or a label is not one of the classes.
        """
        for path in self._paths(split):
            row = 0
            try:
                with pq.ParquetFile(path) as file:
                    for batch in file.iter_batches(64, columns=[self._image, self._label]):
                        labels = _labels(batch.column(self._label), self._label, self.folder)
                        contents = _encoded(batch.column(self._image), self.folder)
                        for content, label in zip(contents, labels.tolist(), strict=True):
                            if not 0 <= label < len(self.class_names):
                                raise InputError(
                                    f"The labels of {self.folder} must lie in 0 to "
                                    f"{len(self.class_names) - 1}, one for each class name, but "
                                    f"that in row {row} of {path.name} is {label}."
                                )
                            yield f"{path}#{row}", content.as_py() or b"", label
                            row += 1
            except (pa.ArrowException, OSError) as error:
                raise InputError(f"{path} cannot be read: {error}") from None

    def _paths(self, split: str) -> list[Path]:
        return sorted(self.folder.glob(f"{split}*.parquet"))


def _first_column(there: list[str], names: tuple[str, ...], folder: Path) -> str:
    for name in names:
        if name in there:
            return name
    raise InputError(
        f"The Parquet files of {folder} need a column named {' or '.join(names)}, "
        f"but they have {', '.join(there)}."
    )


def _labels(column: pa.Array | pa.ChunkedArray, name: str, folder: Path) -> np.ndarray:
    """Whole numbers, none missing → (M,) int64."""
    if not pa.types.is_integer(column.type) or column.null_count:
        missing = f" with {column.null_count} missing" if column.null_count else ""
        raise InputError(
            f"The column {name} of {folder} must hold a whole number for each image, "
            f"not {column.type}{missing}."
        )
    return column.to_numpy().astype(np.int64)


def _encoded(chunk: pa.StructArray, folder: Path) -> pa.Array:
    """The encoded files in a chunk of an image column."""
    if not pa.types.is_struct(chunk.type) or chunk.type.get_field_index("bytes") < 0:
        raise InputError(
            f"The image column of {folder} must be a struct with a field named bytes, "
            f"not {chunk.type}."
        )
    return chunk.field("bytes")


def _decode(columns: dict[Path, pa.ChunkedArray], image_size: int) -> np.ndarray:
    """Encoded images, by file, in this order → (M, image_size, image_size, 3) uint8."""
    count = sum(len(column) for column in columns.values())
    images = np.empty((count, image_size, image_size, 3), np.uint8)
    places = iter(range(count))
    for path, column in columns.items():
        encoded = (value for chunk in column.chunks for value in _encoded(chunk, path.parent))
        for row, value in enumerate(encoded):
            name, content = f"{path.name}#{row}", value.as_py()
            if content is None:
                raise InputError(
                    f"{name} must hold an encoded image, but the row has none. Mend the table, or "
                    "make shards of it with hydranet shards --skip-unreadable, which leaves it out."
                )
            images[next(places)] = fit_square(decode_image(content, name=name), image_size)
    return images


def _features(schema: pa.Schema) -> dict[str, Any]:
    try:
        found = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, ValueError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def names_in_schema(schema: pa.Schema, column: str) -> tuple[str, ...] | None:
    """What the numbers in a class column mean; None where the schema does not say."""
    feature = _features(schema).get(column)
    names = feature.get("names") if isinstance(feature, dict) else None
    return tuple(str(name) for name in names) if isinstance(names, list) else None


def _numbers(folder: Path, column: str) -> tuple[str, ...]:
    """The class numbers of all splits as names, where the schema gives none."""
    columns = [pq.read_table(path, columns=[column])[column]
               for path in sorted(folder.glob("*.parquet"))]  # fmt: skip
    most = max(int(_labels(found, column, folder).max(initial=0)) for found in columns)
    return tuple(str(number) for number in range(most + 1))


def _superclasses(table: pa.Table, labels: np.ndarray) -> tuple[int, ...] | None:
    """The superclass of each class, where there is one and only one."""
    if _SUPERCLASS_COLUMN not in table.column_names:
        return None
    pairs = np.unique(np.stack([labels, table[_SUPERCLASS_COLUMN].to_numpy()]), axis=1)
    if not np.array_equal(pairs[0], np.arange(len(pairs[0]))):
        return None
    return tuple(int(group) for group in pairs[1])
