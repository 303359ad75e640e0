"""The comparison as a table, on the page and as a CSV file."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from app.charts.cost_axes import BATCHES, milliseconds
from app.comparing.rows import Entry
from app.words.teacher import WITHOUT

TIMES = {batch: milliseconds(batch).column for batch in BATCHES}
"""The column of each batch size that networks are timed at."""


def comparison_table(rows: Sequence[Entry]) -> pd.DataFrame:
    """One row a network; units stand in the headers, what is not known is missing. Measured times
    have columns only if there are any."""
    times = {
        header: pd.Series([row.ms(batch) for row in rows], dtype="float64")
        for batch, header in TIMES.items()
        if any(row.ms(batch) is not None for row in rows)
    }
    return pd.DataFrame(
        {
            "Model": [row.name for row in rows],
            "Top-1 (%)": [row.top1 for row in rows],
            "MACs (M)": [row.macs_m for row in rows],
            **times,
            "How known": [row.mark.name for row in rows],
            "Parameters (M)": pd.Series([row.params_m for row in rows], dtype="float64"),
            "Weights as stored (MB)": pd.Series([row.stored_mb for row in rows], dtype="float64"),
            "MADDs, paper (M)": [2 * row.macs_m for row in rows],
            "Family": [row.family for row in rows],
            "Dynamic": [row.dynamic for row in rows],
            "Default k": pd.Series([row.k for row in rows], dtype="Int64"),
            "Teacher": pd.Series([_teacher(row) for row in rows], dtype="object"),
            "Source": [row.source for row in rows],
        }
    )


def _teacher(row: Entry) -> str | None:
    """Missing where we cannot know."""
    return (row.teacher or WITHOUT) if row.at_hand else None
