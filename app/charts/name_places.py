"""Where the names of points stand in a scatter chart, so that none lies on another. Pure.

Plotly puts a name at a fixed side of its point and lets names overlap. Here each takes the place
where it covers least, beside its point or further off, with a line to it, as far as the size of the
chart can be known on a server; a name that finds none is left to the hover.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

WIDE, HIGH = 600.0, 340.0
"""Pixels of the plot in a window of 1,280 pixels."""

_NARROW = 290.0, 285.0
"""The same in a window of 400 pixels, where a name lies as far from its point."""

_LETTER, _LINE, _MARK, _EDGE = 6.2, 13.0, 9.0, 6.0
_COVERED, _STEP = 4.0, 8.0
_GAPS = {10.0: 0.0, 24.0: 1.5, 42.0: 3.0, 64.0: 5.0}
"""From a point to its name, and how many covered points the distance is as bad as."""

_MISTAKEN = 3.0
"""How many covered points it is as bad as that a name stands as close to another point."""
_CROSSED = 4.0
"""How many covered points it is as bad as that a line crosses another name or point."""

_CROWDED = 4.0
"""How many covered points it is as bad as that names lie on each other in a narrow window."""

_SIDES = ((-1, 0), (1, 0), (1, 1), (-1, -1), (-1, 1), (1, -1), (0, -1), (0, 1))
"""Right and down, in the order in which they are taken where they are alike."""

Point = tuple[float, float]
"""At a share of the width and of the height, from the top left."""


class Place(NamedTuple):
    """Of a name: how many pixels its middle lies `right` of its point and `down` from it; `led`:
    so far off that a line must lead there."""

    right: float
    down: float
    led: bool


class _Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def around(cls, x: float, y: float, reach: float) -> _Box:
        return cls(x - reach, y - reach, x + reach, y + reach)

    def moved(self, right: float, down: float) -> _Box:
        return _Box(self.left + right, self.top + down, self.right + right, self.bottom + down)

    def distance(self, x: float, y: float) -> float:
        across = max(self.left - x, x - self.right, 0.0)
        return math.hypot(across, max(self.top - y, y - self.bottom, 0.0))

    def meets(self, other: _Box) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


def name_places(
    points: Sequence[Point], names: Sequence[str], *, avoid: Sequence[Point] = ()
) -> list[Place | None]:
    """For each point the place of its name, None where there is no room; earlier ones choose first.

    No name covers another one or any of the points. It covers as little as may be of what is in
    `avoid`, stands nearer to its own point than to others, and leaves others free in a narrow
    window too, if it can.
    """
    at = [(x * WIDE, y * HIGH) for x, y in points]
    taken = [_Box.around(x, y, _MARK) for x, y in at]
    cells = {(round(x * WIDE / _COVERED), round(y * HIGH / _COVERED)) for x, y in avoid}
    covered = [_Box.around(x * _COVERED, y * _COVERED, _COVERED) for x, y in cells]
    in_narrow: list[_Box] = []
    found: list[Place | None] = []
    for (x, y), (share_x, share_y), name in zip(at, points, names, strict=True):
        moved = share_x * _NARROW[0] - x, share_y * _NARROW[1] - y
        best: tuple[float, Place, _Box] | None = None
        for price, place, box in _candidates(x, y, name):
            if (best is not None and price >= best[0]) or not _fits(box, taken):
                continue
            price += sum(box.meets(other) for other in covered)
            price += _MISTAKEN * _mistaken(box, (x, y), at)
            narrow = box.moved(*moved)
            price += _CROWDED * sum(narrow.meets(other) for other in in_narrow)
            if place.led and (best is None or price < best[0]):
                price += _CROSSED * _crossed((x, y), place, taken)
            if best is None or price < best[0]:
                best = price, place, box
        if best is not None:
            taken.append(best[2])
            in_narrow.append(best[2].moved(*moved))
        found.append(None if best is None else best[1])
    return found


def along(curve: Sequence[Point]) -> list[Point]:
    """Points of a broken line, close enough to each other that no name fits between them."""
    found = list(curve[:1])
    for (x, y), (to_x, to_y) in pairwise(curve):
        length = ((to_x - x) * WIDE) ** 2 + ((to_y - y) * HIGH) ** 2
        parts = max(1, round(length**0.5 / _STEP))
        found += [
            (x + (to_x - x) * part / parts, y + (to_y - y) * part / parts)
            for part in range(1, parts + 1)
        ]
    return found


def _candidates(x: float, y: float, name: str) -> Iterator[tuple[float, Place, _Box]]:
    """The places of a name beside a point, the cheapest first."""
    wide = _LETTER * len(name)
    for gap, price in _GAPS.items():
        for right, down in _SIDES:
            across = right * (wide / 2 + gap)
            below = down * (_LINE / 2 + gap)
            box = _Box(
                x + across - wide / 2,
                y + below - _LINE / 2,
                x + across + wide / 2,
                y + below + _LINE / 2,
            )
            yield price, Place(across, below, led=price > 0), box


def _mistaken(box: _Box, own: Point, points: Sequence[Point]) -> int:
    """For how many of the points beside its own the name could be read as theirs."""
    near = box.distance(*own) + _LINE / 2
    return sum(box.distance(*point) < near for point in points if point != own)


def _crossed(own: Point, place: Place, taken: Sequence[_Box]) -> int:
    """How much of what is taken the line from a point to its name crosses, its own mark aside."""
    x, y = own
    line = [
        _Box.around(x + place.right * part / 10, y + place.down * part / 10, 1.0)
        for part in range(1, 10)
    ]
    others = (box for box in taken if box.distance(x, y) > 0)
    return sum(any(point.meets(other) for point in line) for other in others)


def _fits(box: _Box, taken: Sequence[_Box]) -> bool:
    inside = box.left >= -_EDGE and box.right <= WIDE + _EDGE
    inside = inside and box.top >= -_EDGE and box.bottom <= HIGH + _EDGE
    return inside and not any(box.meets(other) for other in taken)
