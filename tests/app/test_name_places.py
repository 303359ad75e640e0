"""Names beside points: none lies on another or on a point, and who has no room goes without."""

from __future__ import annotations

import numpy as np

from app.charts.name_places import name_places


def test_a_lonely_name_stands_left_and_one_at_the_edge_right() -> None:
    assert name_places([(0.5, 0.5)], ["resnet8"], [False]) == ["middle left"]
    assert name_places([(0.0, 0.5)], ["resnet8"], [False]) == ["middle right"]
    assert name_places([(0.5, 0.5)], ["hydra"], [True]) == ["bottom right"], "off the curve"
    assert name_places([], [], []) == []


def test_two_close_points_get_different_sides() -> None:
    one, other = name_places([(0.5, 0.5), (0.54, 0.5)], ["resnet20", "resnet26"], [False] * 2)
    assert one == "middle left"
    assert other == "middle right"


def test_of_many_points_at_one_place_only_some_have_names() -> None:
    rng = np.random.default_rng(0)
    points = [(float(x), float(y)) for x, y in 0.4 + 0.2 * rng.random((40, 2))]
    sides = name_places(points, ["a long name"] * 40, [False] * 40)
    named = [side for side in sides if side is not None]
    assert 1 <= len(named) <= 20
