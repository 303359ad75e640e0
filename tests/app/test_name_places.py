"""Names beside points: none lies on another or on a point, and each is read as its own point's."""

from __future__ import annotations

import numpy as np
import pytest

from app.charts.name_places import HIGH, NARROW, WIDE, Place, along, name_places

Boxes = list[tuple[float, float, float, float]]


def boxes(
    points: list[tuple[float, float]],
    names: list[str],
    places: list[Place],
    size: tuple[float, float] = (WIDE, HIGH),
) -> Boxes:
    """Left, top, right, bottom of each name in pixels of a plot of that size."""
    found = []
    for (x, y), name, place in zip(points, names, places, strict=True):
        middle, level = x * size[0] + place.right, y * size[1] + place.down
        wide = 6.0 * len(name)
        found.append((middle - wide / 2, level - 6.5, middle + wide / 2, level + 6.5))
    return found


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    across = one[0] < other[2] and other[0] < one[2]
    return across and one[1] < other[3] and other[1] < one[3]


def only(places: list[Place | None]) -> Place:
    (place,) = places
    assert place is not None
    return place


def test_a_lonely_name_stands_left_and_one_at_the_edge_right() -> None:
    amid, edge = only(name_places([(0.5, 0.5)], ["a"])), only(name_places([(0.0, 0.5)], ["a"]))
    assert amid.right < 0 < edge.right
    assert amid.down == edge.down == 0
    assert not amid.led
    assert not edge.led
    assert name_places([], []) == []


def test_two_close_points_have_their_names_on_different_sides() -> None:
    points, names = [(0.5, 0.5), (0.54, 0.5)], ["resnet20", "resnet26"]
    one, other = name_places(points, names)
    assert one is not None
    assert other is not None
    assert one.right < 0 < other.right


def test_a_line_is_not_covered() -> None:
    curve = along([(0.0, 0.5), (1.0, 0.5)])
    place = only(name_places([(0.5, 0.5)], ["hydra"], lines=curve))
    assert abs(place.down) > 6.5, "off the curve"


@pytest.mark.parametrize("kind", ["unnamed", "line"])
def test_what_comes_near_in_a_narrow_window_is_not_covered_there(kind: str) -> None:
    own, near = (0.5, 0.5), (0.37, 0.5)
    if kind == "unnamed":
        place = only(name_places([own], ["resnet20"], others=[near]))
    else:
        upright = along([(0.37, 0.3), (0.37, 0.7)])
        place = only(name_places([own], ["resnet20"], lines=upright))
    (wide,), (narrow,) = (
        boxes([own], ["resnet20"], [place], size) for size in ((WIDE, HIGH), NARROW)
    )
    for box, (across, down) in ((wide, (WIDE, HIGH)), (narrow, NARROW)):
        x, y = near[0] * across, near[1] * down
        assert not overlap(box, (x - 5, y - 5, x + 5, y + 5))
    assert wide[0] > own[0] * WIDE, "to the right: the left is free in a wide window only"


def test_a_name_stays_within_a_narrow_window() -> None:
    points, names = [(0.13, 0.5)], ["hydra_res_d1"]
    (box,) = boxes(points, names, [only(name_places(points, names))], NARROW)
    assert box[0] > -7


def test_in_a_narrow_window_a_name_lies_on_a_line_rather_than_on_a_named_point() -> None:
    points, names = [(0.5, 0.5), (0.37, 0.5)], ["resnet20", "b"]
    lines = [along([(0.0, y / 20), (1.0, y / 20)]) for y in range(4, 17) if y != 10]
    lines.append(along([(0.53, 0.5), (0.6, 0.5)]))  # free is the left only
    place, _ = name_places(points, names, lines=[point for line in lines for point in line])
    assert place is not None
    (box,) = boxes(points[:1], names[:1], [place], NARROW)
    x, y = 0.37 * NARROW[0], 0.5 * NARROW[1]
    assert not overlap(box, (x - 6, y - 6, x + 6, y + 6))


def test_a_name_amid_others_is_led_to_its_point() -> None:
    ring = [(0.5 + x / 40, 0.5 + y / 14) for x in range(-2, 3) for y in range(-2, 3) if x or y]
    points = [(0.5, 0.5), *ring]
    names = ["amid", *"abcdefghijklmnopqrstuvwx"]
    places = [place for place in name_places(points, names) if place is not None]
    assert len(places) == len(points)
    assert places[0].led
    found = boxes(points, names, places)
    for index, box in enumerate(found):
        assert not any(overlap(box, other) for other in found[:index])


def test_of_many_points_at_one_place_only_some_have_names() -> None:
    rng = np.random.default_rng(0)
    points = [(float(x), float(y)) for x, y in 0.4 + 0.2 * rng.random((120, 2))]
    names = ["a long name"] * len(points)
    places = name_places(points, names)
    named = [index for index, place in enumerate(places) if place is not None]
    assert 1 <= len(named) < len(points)
    found = boxes(
        [points[index] for index in named],
        [names[index] for index in named],
        [place for place in places if place is not None],
    )
    assert not any(overlap(a, b) for index, a in enumerate(found) for b in found[:index])
    marks = [(x * WIDE - 9, y * HIGH - 9, x * WIDE + 9, y * HIGH + 9) for x, y in points]
    assert not any(overlap(name, mark) for name in found for mark in marks)


def test_along_a_line_no_gap_is_wider_than_asked() -> None:
    found = along([(0.0, 0.0), (0.5, 0.0), (0.5, 0.5)])
    assert found[0] == (0.0, 0.0)
    assert found[-1] == pytest.approx((0.5, 0.5))
    steps = np.diff(np.array(found) * (WIDE, HIGH), axis=0)
    assert np.hypot(*steps.T).max() < 9
    assert along([]) == []
