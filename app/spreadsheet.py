"""Text of strangers in files that a spreadsheet opens."""

from __future__ import annotations

_ACTIVE = ("=", "+", "-", "@", "\t", "\r")


def harmless(text: str) -> str:
    """`text` so that no spreadsheet runs it as a formula: what would be one starts with '."""
    return f"'{text}" if text.startswith(_ACTIVE) else text
