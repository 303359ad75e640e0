"""The mean features of every class, as a small Parquet file beside a route log. Light.

One row a class: `images` that the mean is over, and `features` (D float32), what the output layer
sees: of a HydraNet the combined features, of a static network the pooled ones. Class features tell
which classes a network finds alike; see `hydranet.specialisation.class_map`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hydranet.errors import InputError
from hydranet.files import write_whole

CLASS_FEATURES = "class_features.parquet"
_MOST_BYTES = 64 * 2**20


@dataclass(frozen=True)
class ClassFeatures:
    """`images` (C,) int32; `mean` (C, D) float32, NaN for a class without images."""

    images: NDArray[np.int32]
    mean: NDArray[np.float32]


def write_class_features(path: Path, found: ClassFeatures) -> None:
    """Write the file, whole or not at all."""
    columns = {
        "images": pa.array(found.images),
        "features": pa.FixedSizeListArray.from_arrays(
            pa.array(found.mean.ravel()), found.mean.shape[1]
        ),
    }
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    write_whole(path, sink.getvalue())


def read_class_features(path: Path, *, num_classes: int) -> ClassFeatures | None:
    """What `write_class_features` wrote; None where there is no such file.

    Raises:
        InputError: the file is damaged, or of another number of classes.
    """
    if not path.is_file():
        return None
    if path.stat().st_size > _MOST_BYTES:
        raise InputError(
            f"{path.name} is larger than {_MOST_BYTES >> 20} MiB; it holds no class features."
        )
    try:
        table = pq.read_table(path, columns=["images", "features"])
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path.name} cannot be read: {error}") from None
    images, features = table["images"], table["features"].combine_chunks()
    kind = features.type
    if (
        len(table) != num_classes
        or not pa.types.is_integer(images.type)
        or not (pa.types.is_fixed_size_list(kind) and pa.types.is_floating(kind.value_type))
        or images.null_count + features.null_count
    ):
        raise InputError(
            f"{path.name} must hold the features of {num_classes} classes as lists of one length, "
            f"but it has {len(table)} rows of {kind}. Evaluate the network again."
        )
    mean = features.flatten().to_numpy(zero_copy_only=False).reshape(num_classes, kind.list_size)
    return ClassFeatures(images.to_numpy().astype(np.int32), mean.astype(np.float32))
