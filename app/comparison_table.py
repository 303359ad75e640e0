"""The comparison as a table, on the page and as a CSV file."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from app.comparison import Entry
from app.spreadsheet import harmless


def comparison_table(rows: Sequence[Entry]) -> pd.DataFrame:
    """One row a network; units stand in the headers, an unknown parameter count is missing."""
    return pd.DataFrame(
        {
            "Model": [row.name for row in rows],
            "Top-1 (%)": [row.top1 for row in rows],
            "MACs (M)": [row.macs_m for row in rows],
            "How known": [row.mark.name for row in rows],
            "Parameters (M)": pd.Series([row.params_m for row in rows], dtype="float64"),
            "MADDs, paper (M)": [2 * row.macs_m for row in rows],
            "Family": [row.family for row in rows],
            "Dynamic": [row.dynamic for row in rows],
            "Default k": pd.Series([row.k for row in rows], dtype="Int64"),
            "Source": [row.source for row in rows],
        }
    )


def comparison_csv(rows: Sequence[Entry]) -> bytes:
    """The table as UTF-8 CSV. Text that a spreadsheet would run as a formula starts with '."""
    table = comparison_table(rows)
    for column in ("Model", "How known", "Family", "Source"):
        table[column] = [harmless(text) for text in table[column]]
    return table.to_csv(index=False, float_format="%.6g").encode()
