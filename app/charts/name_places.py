"""Where the names of points stand in a scatter chart, so that none lies on another. Pure.

Plotly puts a name at a fixed side of its point, as far off in a wide window as in a narrow one, and
lets names overlap. Here each takes the place where it covers least in both, beside its point or
further off, with a line to it, as far as the sizes of the chart can be known on a server; a name
that finds none is left to the hover.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

WIDE, HIGH = 600.0, 340.0
"""Pixels of the plot in a window of 1,280 pixels."""

NARROW = 288.0, 293.0
"""The same in a window of 400 pixels, where a name lies as far from its point."""

_LETTER, _LINE, _MARK, _OTHER_MARK, _EDGE = 6.0, 13.0, 9.0, 6.0, 6.0
_COVERED, _STEP = 4.0, 8.0
_GAPS = {10.0: 0.0, 24.0: 1.5, 42.0: 3.0, 64.0: 5.0, 90.0: 7.0}
"""From a point to its name, and how many covered pieces of a line the distance is as bad as."""

_MISTAKEN = 2.0
"""How many covered pieces it is as bad as that a name stands as close to another point."""
_CROSSED = 6.0
"""How many covered pieces it is as bad as that a line crosses another name or point."""
_HIDDEN = 8.0
"""How many covered pieces it is as bad as that a name lies on a point that has none."""
_CROWDED = 12.0
"""How many covered pieces it is as bad as that, in a narrow window, a name lies on another one or
on a point that has one."""
_OUTSIDE = 20.0
"""How many covered pieces it is as bad as that, in a narrow window, a name lies outside the plot:
Plotly then draws everything else closer together."""
_IN_NARROW = 0.5
"""How much of its price what a name covers, how it misleads and what its line crosses cost there: a
narrow window is always crowded, and shall not drive all names away from their points in a wide one.
"""

_SIDES = (
    (-1, 0), (1, 0), (1, 1), (-1, -1), (-1, 1), (1, -1), (0, -1), (0, 1),
    (-0.5, -1), (0.5, -1), (-0.5, 1), (0.5, 1),
)  # fmt: skip
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

    @classmethod
    def of(cls, name: str, point: Point, place: Place) -> _Box:
        x, y, half = point[0] + place.right, point[1] + place.down, _LETTER * len(name) / 2
        return cls(x - half, y - _LINE / 2, x + half, y + _LINE / 2)

    def distance(self, x: float, y: float) -> float:
        across = max(self.left - x, x - self.right, 0.0)
        return math.hypot(across, max(self.top - y, y - self.bottom, 0.0))

    def meets(self, other: _Box) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


class _Plot(NamedTuple):
    """A plot of one size, in pixels: the points to be named, what these and their names take, what
    other points and lines cover."""

    wide: float
    high: float
    points: list[Point]
    taken: list[_Box]
    others: list[_Box]
    pieces: list[_Box]

    @classmethod
    def of(
        cls,
        size: tuple[float, float],
        points: Sequence[Point],
        others: Sequence[Point],
        lines: Sequence[Point],
    ) -> _Plot:
        wide, high = size
        cells = {(round(x * wide / _COVERED), round(y * high / _COVERED)) for x, y in lines}
        return cls(
            wide,
            high,
            [(x * wide, y * high) for x, y in points],
            [_Box.around(x * wide, y * high, _MARK) for x, y in points],
            [_Box.around(x * wide, y * high, _OTHER_MARK) for x, y in others],
            [_Box.around(x * _COVERED, y * _COVERED, _COVERED) for x, y in cells],
        )

    def holds(self, box: _Box) -> bool:
        across = box.left >= -_EDGE and box.right <= self.wide + _EDGE
        return across and box.top >= -_EDGE and box.bottom <= self.high + _EDGE

    def price(self, index: int, place: Place, box: _Box) -> float:
        """What a name there costs: what it covers, how it misleads, what its line crosses."""
        own = self.points[index]
        price = _HIDDEN * _meetings(box, self.others) + _meetings(box, self.pieces)
        price += _MISTAKEN * _mistaken(box, own, self.points)
        return price + (_CROSSED * _crossed(own, place, self.taken) if place.led else 0.0)


def name_places(
    points: Sequence[Point],
    names: Sequence[str],
    *,
    others: Sequence[Point] = (),
    lines: Sequence[Point] = (),
) -> list[Place | None]:
    """For each point the place of its name, None where there is no room; earlier ones choose first.

    In a wide window no name covers another one or any of the points. It covers as little as may be
    of `others`, points without a name, and of `lines`, see `along`, stands nearer to its own point
    than to others, and lies as free in a narrow window, if it can.
    """
    wide = _Plot.of((WIDE, HIGH), points, others, lines)
    narrow = _Plot.of(NARROW, points, others, lines)
    found = []
    for index, name in enumerate(names):
        place = _cheapest(index, name, wide, narrow)
        if place is not None:
            for plot in (wide, narrow):
                plot.taken.append(_Box.of(name, plot.points[index], place))
        found.append(place)
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


def _cheapest(index: int, name: str, wide: _Plot, narrow: _Plot) -> Place | None:
    """The best place of a name beside the point of that index."""
    best: tuple[float, Place] | None = None
    for price, place in _candidates(name):
        if best is not None and price >= best[0]:
            break
        box, in_narrow = (_Box.of(name, plot.points[index], place) for plot in (wide, narrow))
        if not wide.holds(box) or _meetings(box, wide.taken):
            continue
        price += _CROWDED * _meetings(in_narrow, narrow.taken)
        price += 0.0 if narrow.holds(in_narrow) else _OUTSIDE
        if best is not None and price >= best[0]:
            continue
        price += wide.price(index, place, box)
        price += _IN_NARROW * narrow.price(index, place, in_narrow)
        if best is None or price < best[0]:
            best = price, place
    return None if best is None else best[1]


def _candidates(name: str) -> Iterator[tuple[float, Place]]:
    """The places of a name beside a point, the cheapest first."""
    wide = _LETTER * len(name)
    for gap, price in _GAPS.items():
        for right, down in _SIDES:
            yield price, Place(right * (wide / 2 + gap), down * (_LINE / 2 + gap), led=price > 0)


def _meetings(box: _Box, others: Sequence[_Box]) -> int:
    return sum(box.meets(other) for other in others)


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
