"""One mark for each way a figure is known, the same in every chart and every key.

Colour says which family a network belongs to; the mark says how far its figure can be trusted.
"""

from __future__ import annotations

from dataclasses import dataclass

OUTLINE = "#6b7280"
"""Thin line around every mark: it keeps pale colours apart from white and dark ones from black."""


@dataclass(frozen=True)
class Mark:
    """`name` stands in the key; `symbol` is Plotly's; `size` in pixels."""

    name: str
    symbol: str
    size: int


MEASURED = Mark("measured by us", "circle", 12)
REPORTED = Mark("reported", "square", 9)
DIGITISED = Mark("digitised", "diamond", 10)
READ = Mark("read from figure", "x", 9)
YOURS = Mark("yours, as its card says", "star", 13)
"""A visitor's own network: nobody but its card vouches for the figure."""

MARKS = (MEASURED, YOURS, REPORTED, DIGITISED, READ)

_BY_NAME = {mark.name: mark for mark in MARKS}


def mark_of(provenance: str) -> Mark:
    """The mark of a published figure's provenance, see `hydranet.published.PROVENANCES`."""
    return _BY_NAME[provenance]
