"""Rows of routed images as a Parquet table. Light.

The words are those of the route log (`hydranet.evaluation.route_log`) where they mean the same. One
row an image, rejected ones too:

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
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hydranet.bulk.answers import Answers, together
from hydranet.bulk.labels import Labels
from hydranet.bulk.rows import Row, Settings
from hydranet.checkpoints.card import Card


def settings_json(card: Card, settings: Settings) -> dict[str, Any]:
    """Which network, and how it routed. What was not computed in single precision says so."""
    said = {
        "checkpoint": card.name,
        "weights_sha256": card.weights_sha256,
        "k": (settings.k or card.costs.k) if card.costs.num_branches else None,
        "threshold": card.threshold if settings.threshold is None else settings.threshold,
    }
    int8 = settings.int8_sha256
    return said if int8 is None else {**said, "int8_sha256": int8}


def routed_table(
    *,
    index: Sequence[int],
    files: Sequence[str],
    labels: Sequence[str | int | None],
    reasons: Sequence[str],
    answers: Answers,
    card: Card,
    settings: Settings,
) -> pa.Table:
    """The table that this module describes. `reasons`: empty for the images that have a row of
    `answers` each, in their order."""
    said = _columns(answers, card)
    if len(answers) < len(files):  # a rejected image has nothing in these columns
        rows = iter(range(len(answers)))
        places = pa.array([None if reason else next(rows) for reason in reasons], pa.int64())
        said = {name: values.take(places) for name, values in said.items()}
    table = pa.table(
        {
            "index": pa.array(index, pa.int64()),
            "file": pa.array(files, pa.string()),
            **_labels(labels, card),
            **said,
            "reason": pa.array([reason or None for reason in reasons], pa.string()),
        }
    )
    note = {**settings_json(card, settings), "class_names": list(card.class_names)}
    return table.replace_schema_metadata({"hydranet": json.dumps(note, ensure_ascii=False)})


def _labels(labels: Sequence[str | int | None], card: Card) -> dict[str, pa.Array]:
    classes = Labels(card.class_names)
    numbers = pa.array([classes.find(label) for label in labels], pa.int32())
    return {"label": numbers, "label_class": _named(numbers, card)}


def _named(classes: pa.Array, card: Card) -> pa.Array:
    return pa.array(card.class_names, pa.string()).take(classes)


def _columns(answers: Answers, card: Card) -> dict[str, pa.Array]:
    """What the network says, a row for each of its answers."""
    best, second = (pa.array(classes) for classes in answers.classes.T.copy())
    confidence, runner_up_confidence = (pa.array(values) for values in answers.confidence.T.copy())
    columns = {
        "prediction": best,
        "class": _named(best, card),
        "confidence": confidence,
        "runner_up": second,
        "runner_up_class": _named(second, card),
        "runner_up_confidence": runner_up_confidence,
    }
    if branches := card.costs.num_branches:
        scores = pa.array(answers.gate_scores.ravel())
        columns |= {
            "gate_scores": pa.FixedSizeListArray.from_arrays(scores, branches),
            "fired": _lists(answers.fired, answers.ran),
            "weights": _lists(answers.weights, answers.ran),
        }
    return {**columns, "macs": pa.array(answers.macs)}


def _lists(values: NDArray[Any], ran: NDArray[np.bool_]) -> pa.ListArray:
    """Lists of different lengths: of each row those values (B, k) of which `ran` is true."""
    offsets = np.zeros(len(ran) + 1, np.int32)
    np.cumsum(ran.sum(axis=1), out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values[ran]))


def rows_table(rows: Sequence[Row], card: Card, settings: Settings) -> pa.Table:
    """The same of rows."""
    return routed_table(
        index=[row.index for row in rows],
        files=[row.file for row in rows],
        labels=[row.label for row in rows],
        reasons=[row.reason for row in rows],
        answers=together([row.found for row in rows if row.found], card),
        card=card,
        settings=settings,
    )


def parquet_bytes(rows: Sequence[Row], card: Card, settings: Settings) -> bytes:
    """The table as a Parquet file; the same rows give the same bytes."""
    return table_bytes(rows_table(rows, card, settings))


def table_bytes(table: pa.Table) -> bytes:
    """The same of a table that was made here."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()
