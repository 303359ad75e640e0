"""Where the names of points stand in a scatter chart, so that none lies on another. Pure.

Plotly puts a name at a fixed side of its point and lets names overlap. Here each takes the first
side that is free, as far as the size of the chart can be known on a server; a name that finds none
is left to the hover.
"""

from __future__ import annotations

from collections.abc import Sequence

WIDE, HIGH = 520.0, 330.0
"""Pixels of the plot on a wide window."""

_LETTER, _LINE, _MARK, _GAP, _EDGE = 6.2, 13.0, 9.0, 10.0, 6.0
_SIDES = {
    "middle left": (-1, 0), "middle right": (1, 0), "bottom right": (1, 1), "top left": (-1, -1),
    "bottom left": (-1, 1), "top right": (1, -1), "top center": (0, -1), "bottom center": (0, 1),
}  # fmt: skip

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels."""


def name_places(
    points: Sequence[tuple[float, float]], names: Sequence[str], curved: Sequence[bool]
) -> list[str | None]:
    """For each point, at a share of the width and of the height from the top left, the side that
    its name stands on, as Plotly's `textposition`; None where there is no room. Earlier points
    choose first. `curved`: a curve runs through the point from side to side, so not there."""
    at = [(x * WIDE, y * HIGH) for x, y in points]
    taken: list[Box] = [(x - _MARK, y - _MARK, x + _MARK, y + _MARK) for x, y in at]
    found: list[str | None] = []
    for (x, y), name, curve in zip(at, names, curved, strict=True):
        boxes = {side: _box(x, y, name, *to) for side, to in _SIDES.items() if to[1] or not curve}
        side = next((s for s, box in boxes.items() if _fits(box, taken)), None)
        if side is not None:
            taken.append(boxes[side])
        found.append(side)
    return found


def _box(x: float, y: float, name: str, right: int, down: int) -> Box:
    """Of a name on one side of a point."""
    wide = _LETTER * len(name)
    left = x - wide / 2 + right * (wide / 2 + _GAP)
    top = y - _LINE / 2 + down * (_LINE / 2 + _GAP)
    return left, top, left + wide, top + _LINE


def _fits(box: Box, taken: Sequence[Box]) -> bool:
    left, top, right, bottom = box
    if left < -_EDGE or right > WIDE + _EDGE or top < -_EDGE or bottom > HIGH + _EDGE:
        return False
    return not any(
        left < other[2] and other[0] < right and top < other[3] and other[1] < bottom
        for other in taken
    )
