"""Tables of the documentation that are computed: Markdown, each in a file that a page takes in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

FOLDER = Path(__file__).parent / "tables"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """As Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write_tables(tables: Mapping[str, Callable[[], str]]) -> None:
    """Make each table and write it under its name."""
    FOLDER.mkdir(exist_ok=True)
    for name, make in tables.items():
        (FOLDER / f"{name}.inc").write_text(make())
