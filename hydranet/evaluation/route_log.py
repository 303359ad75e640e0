"""Route logs: what a network did with every image of a data set, as Parquet. Light.

One row an image: `index` (its place in the data set), `label`, `prediction`, `confidence`
(probability of the prediction); for a HydraNet also `gate_scores` (N float16), `fired` (k branches,
best first) and `correct_by_k` (N booleans; entry k − 1 belongs to k fired branches).

Where branches have subtasks, two more columns of N booleans say the same of a better gate. In
`correct_with_subtask` the branch of the label's subtask runs in place of the worst-scored of the k
where the gate missed it, with the little weight that its score gives it. In `correct_subtask_first`
the gate is perfect: it ranks that branch first and the others behind it in its order, and gives the
first, the second, … the weights that it gave to its own first, second, …. So entry 0 of both is
that branch alone. Logs that were written before these columns were known lack them.

A dashboard shows a whole data set from a log without having the data set.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hydranet.errors import InputError, one_line
from hydranet.files import write_whole
from hydranet.intake.parquet_bounds import BOUNDS

_COLUMNS = ("index", "label", "prediction", "confidence")
_HYDRA_COLUMNS = (
    "gate_scores", "fired", "correct_by_k", "correct_with_subtask", "correct_subtask_first",
)  # fmt: skip


@dataclass(frozen=True)
class RouteLog:
    """M images: `label`, `prediction` (M,) int32, `confidence` (M,) float16; for a HydraNet
    `gate_scores` (M, N) float16, `fired` (M, k) int16, `correct_by_k` (M, N) bool and, where known,
    `correct_with_subtask` and `correct_subtask_first` (M, N) bool. `index`: (M,) int32, None for 0
    to M − 1."""

    label: NDArray[np.int32]
    prediction: NDArray[np.int32]
    confidence: NDArray[np.float16]
    gate_scores: NDArray[np.float16] | None = None
    fired: NDArray[np.int16] | None = None
    correct_by_k: NDArray[np.bool_] | None = None
    correct_with_subtask: NDArray[np.bool_] | None = None
    correct_subtask_first: NDArray[np.bool_] | None = None
    index: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.label)


def write_route_log(path: Path, log: RouteLog) -> None:
    """Write `log` as Parquet, whole or not at all."""
    write_whole(path, route_log_bytes(log))


def route_log_bytes(log: RouteLog) -> bytes:
    """`log` as a Parquet file."""
    index = np.arange(len(log), dtype=np.int32) if log.index is None else log.index
    columns: dict[str, pa.Array] = {
        "index": pa.array(index),
        "label": pa.array(log.label),
        "prediction": pa.array(log.prediction),
        "confidence": pa.array(log.confidence),
    }
    for name in _HYDRA_COLUMNS:
        values = getattr(log, name)
        if values is not None:
            flat = pa.array(values.ravel())
            columns[name] = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    return sink.getvalue()


def read_route_log(path: Path) -> RouteLog:
    """Read what `write_route_log` wrote.

    Raises:
        InputError: the file is missing or damaged, or lacks a column.
    """
    try:
        table = pq.read_table(path, **BOUNDS)
        names = set(table.column_names)
    except (pa.ArrowException, OSError, ValueError) as error:  # ValueError: names that are no text
        raise InputError(f"The route log {path} cannot be read: {one_line(error)}") from None
    if missing := [name for name in _COLUMNS if name not in names]:
        raise InputError(
            f"The route log {path} needs a column {missing[0]}, "
            f"but has {one_line(', '.join(table.column_names))}."
        )
    lists = {}
    for name in _HYDRA_COLUMNS:
        if name in names:
            column = table[name].combine_chunks()
            if not pa.types.is_fixed_size_list(column.type):
                raise InputError(
                    f"The column {name} of the route log {path} must hold lists of one fixed "
                    f"length, not {one_line(column.type)}."
                )
            width = column.type.list_size
            lists[name] = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)
    index = table["index"].to_numpy()
    in_order = np.array_equal(index, np.arange(len(index)))
    label, prediction, confidence = (table[name].to_numpy() for name in _COLUMNS[1:])
    return RouteLog(label, prediction, confidence, **lists, index=None if in_order else index)
