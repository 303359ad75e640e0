"""The rows of a batch as a table to look at, to filter, and as a CSV file."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from app.batch import Batch
from app.spreadsheet import harmless
from app.words.classes import readable_names
from hydranet.bulk.rows import Found, Row, Settings
from hydranet.bulk.table import rows_table
from hydranet.checkpoints.card import Card


@dataclass(frozen=True)
class Wanted:
    """Which rows to show: with one of these answers (none: any), with all of these branches fired,
    and with a probability of the answer between the two, in percent."""

    answers: frozenset[int] = frozenset()
    branches: frozenset[int] = frozenset()
    least: float = 0.0
    most: float = 100.0

    def has(self, found: Found) -> bool:
        """Whether a row is wanted."""
        return (
            (not self.answers or found.prediction in self.answers)
            and self.branches <= set(found.fired)
            and self.least <= 100 * found.confidence <= self.most + 1e-4
        )


def readable(rows: Sequence[Row]) -> list[tuple[Row, Found]]:
    """The rows that have an answer, with it."""
    return [(row, row.found) for row in rows if row.found is not None]


def rejected(rows: Sequence[Row]) -> list[Row]:
    """The rows that have a reason instead."""
    return [row for row in rows if row.found is None]


def class_name(card: Card, index: int) -> str:
    """A class as it is read."""
    return readable_names(card.class_names)[index]


def answers(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """The classes that were answered, the most frequent first, with how often."""
    counts = Counter(found.prediction for _, found in readable(rows))
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))


def loads(rows: Sequence[Row], branches: int) -> list[float]:
    """(N,): the share of images that fired each branch, 0 to 1."""
    found = [one for _, one in readable(rows)]
    counts = Counter(branch for one in found for branch in one.fired)
    return [counts[branch] / max(len(found), 1) for branch in range(branches)]


def table(batch: Batch, shown: Sequence[tuple[Row, Found]], card: Card) -> pd.DataFrame:
    """One image a row; units stand in the headers."""
    found = [one for _, one in shown]
    columns: dict[str, object] = {
        "Image": [batch.thumbnail(row.index) for row, _ in shown],
        "Answer": [class_name(card, one.prediction) for one in found],
        "Probability (%)": [100 * one.confidence for one in found],
    }
    if card.costs.num_branches:
        columns["Fired branches"] = [[str(branch) for branch in one.fired] for one in found]
    columns |= {
        "MACs (M)": [one.macs / 1e6 for one in found],
        "Runner-up": [class_name(card, one.runner_up) for one in found],
        "Its probability (%)": [100 * one.runner_up_confidence for one in found],
        "File": [row.file for row, _ in shown],
    }
    return pd.DataFrame(columns)


def as_csv(rows: Sequence[Row], card: Card, settings: Settings) -> bytes:
    """The columns of `hydranet.bulk.table`, UTF-8; lists have spaces between their numbers, and
    text that a spreadsheet would run as a formula starts with '."""
    parquet = rows_table(rows, card, settings)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(parquet.column_names)
    for row in parquet.to_pylist():
        writer.writerow([_cell(value) for value in row.values()])
    return buffer.getvalue().encode()


def _cell(value: object) -> object:
    if isinstance(value, str):
        return harmless(value)
    return " ".join(map(str, value)) if isinstance(value, list) else value
