"""Rows of routed images as a Parquet table. Light.

The words are those of the route log (`hydranet.route_log`) where they mean the same. One row an
image, rejected ones too:

| column | type | meaning |
|---|---|---|
| index | int64 | place among all that was given, from 0 |
| file | string | its name, with the archive's before it; for display, not a path |
| label | int32 | the class that it came with, by number; missing where that is none of them |
| label_class | string | the same, by name |
| prediction | int32 | the most probable class, by number |
| class | string | the same, by name |
| confidence | float32 | its probability, 0 to 1 |
| runner_up, runner_up_class, runner_up_confidence | as above | the second most probable class |
| gate_scores | N × float32 | the gate's score of every branch; HydraNets only |
| fired | list of int16 | branches that ran, best-scored first; HydraNets only |
| weights | list of float32 | how much each of them counts; HydraNets only |
| macs | int64 | multiply–accumulates spent on the image |
| reason | string | why it was rejected; what the network would say is missing then |

The schema's metadata, key `hydranet`, says the checkpoint, the SHA-256 of its weights, k, the
threshold and all class names as JSON.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hydranet.bulk.labels import Labels
from hydranet.bulk.rows import Found, Row, Settings
from hydranet.card import Card


def settings_json(card: Card, settings: Settings) -> dict[str, Any]:
    """Which network, and how it routed."""
    return {
        "checkpoint": card.name,
        "weights_sha256": card.weights_sha256,
        "k": (settings.k or card.costs.k) if card.costs.num_branches else None,
        "threshold": settings.threshold,
    }


def rows_table(rows: Sequence[Row], card: Card, settings: Settings) -> pa.Table:
    """The table that this module describes."""
    names = card.class_names
    columns: list[tuple[str, pa.DataType, Callable[[Found], Any]]] = [
        ("prediction", pa.int32(), lambda found: found.prediction),
        ("class", pa.string(), lambda found: names[found.prediction]),
        ("confidence", pa.float32(), lambda found: found.confidence),
        ("runner_up", pa.int32(), lambda found: found.runner_up),
        ("runner_up_class", pa.string(), lambda found: names[found.runner_up]),
        ("runner_up_confidence", pa.float32(), lambda found: found.runner_up_confidence),
    ]
    if branches := card.costs.num_branches:
        scores = pa.list_(pa.float32(), branches)
        columns += [
            ("gate_scores", scores, lambda found: found.gate_scores),
            ("fired", pa.list_(pa.int16()), lambda found: found.fired),
            ("weights", pa.list_(pa.float32()), lambda found: found.weights),
        ]
    columns.append(("macs", pa.int64(), lambda found: found.macs))
    arrays = {
        "index": pa.array([row.index for row in rows], pa.int64()),
        "file": pa.array([row.file for row in rows], pa.string()),
    }
    classes = Labels(names)
    labels = [classes.find(row.label) for row in rows]
    arrays["label"] = pa.array(labels, pa.int32())
    arrays["label_class"] = pa.array(
        [None if label is None else names[label] for label in labels], pa.string()
    )
    for name, kind, value in columns:
        values = [value(row.found) if row.found else None for row in rows]
        arrays[name] = pa.array(values, kind)
    arrays["reason"] = pa.array([row.reason or None for row in rows], pa.string())
    note = {**settings_json(card, settings), "class_names": list(names)}
    table = pa.table(arrays)
    return table.replace_schema_metadata({"hydranet": json.dumps(note, ensure_ascii=False)})


def parquet_bytes(rows: Sequence[Row], card: Card, settings: Settings) -> bytes:
    """The table as a Parquet file; the same rows give the same bytes."""
    return table_bytes(rows_table(rows, card, settings))


def table_bytes(table: pa.Table) -> bytes:
    """The same of a table that `rows_table` made."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()
