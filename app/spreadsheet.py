"""Text of strangers in files that a spreadsheet opens."""

from __future__ import annotations

import pandas as pd

_ACTIVE = ("=", "+", "-", "@")


def harmless(text: str) -> str:
    """`text` so that no spreadsheet runs it as a formula: what would be one starts with ', and it
    is one line, so that no row begins in the middle of it."""
    line = " ".join(text.splitlines()) if not text.isprintable() else text
    is_active = line.lstrip().startswith(_ACTIVE) or line.startswith("\t")
    return f"'{line}" if is_active else line


def as_csv(table: pd.DataFrame) -> bytes:
    """A table as UTF-8 CSV, its texts and headers harmless; missing values are empty cells."""
    safe = table.map(lambda value: harmless(value) if isinstance(value, str) else value)
    safe.columns = pd.Index([harmless(str(name)) for name in table.columns])
    return safe.to_csv(index=False, float_format="%.6g").encode()
