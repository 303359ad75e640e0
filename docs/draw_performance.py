"""Draw the charts of docs/performance.md: `python docs/draw_performance.py`.

It measures nothing: `docs/performance/*.json` hold what was measured, and on what. A test holds the
charts to what this draws of them.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svg import apart, dot, line, picture, words, write

FIGURES = Path(__file__).parent / "performance"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 320, 70, 170, 20, 54


@dataclass(frozen=True)
class Series:
    """One line: `points` are x, and y as median, least and most."""

    name: str
    points: Sequence[tuple[float, tuple[float, float, float]]]


def chart(title: str, x_axis: str, y_axis: str, series: Sequence[Series]) -> str:
    """Lines over a logarithmic x and a y from 0; a bar at each point from least to most."""
    xs = sorted({x for one in series for x, _ in one.points})
    most = _round_up(max(y[2] for one in series for _, y in one.points))
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    low, high = math.log2(xs[0]), math.log2(xs[-1])

    def across(x: float) -> float:
        return LEFT + (right - LEFT) * (math.log2(x) - low) / (high - low)

    def up(y: float) -> float:
        return bottom - (bottom - TOP) * y / most

    shapes = []
    for step in range(5):
        y = most * step / 4
        shapes.append(line(LEFT, up(y), right, up(y)))
        shapes.append(words(LEFT - 8, up(y) + 4, f"{y:,.0f}", anchor="end", kind="small"))
    shapes += [words(across(x), bottom + 18, f"{x:g}", kind="small") for x in xs]
    shapes.append(words((LEFT + right) / 2, HEIGHT - 10, x_axis))
    shapes.append(words(LEFT, TOP - 6, y_axis, anchor="start", kind="small"))
    for one, colour in zip(series, COLOURS, strict=False):
        places = [(across(x), *(up(value) for value in y)) for x, y in one.points]
        for (x1, y1, *_), (x2, y2, *_) in itertools.pairwise(places):
            shapes.append(line(x1, y1, x2, y2, colour=colour, width=2))
        for x, middle, least, highest in places:
            shapes.append(line(x, least, x, highest, colour=colour, width=1))
            shapes.append(dot(x, middle, 3, colour))
    ends = apart([up(one.points[-1][1][0]) for one in series])
    for one, colour, y in zip(series, COLOURS, ends, strict=False):
        shapes.append(
            words(right + 10, y + 4, one.name, anchor="start", kind="small", colour=colour)
        )
    return picture(WIDTH, HEIGHT, title, *shapes)


def _round_up(value: float) -> float:
    step = 10 ** math.floor(math.log10(value)) / 2
    return math.ceil(value / step) * step


def spread(found: dict[str, float]) -> tuple[float, float, float]:
    """Median, least and most."""
    return found["median"], found["min"], found["max"]


def figures(name: str) -> dict[str, Any]:
    """What was measured."""
    found: dict[str, Any] = json.loads((FIGURES / f"{name}.json").read_text())
    return found


def _growth(varies: str, x_axis: str, title: str) -> str:
    runs = [run for run in figures("growth")["runs"] if run["varies"] == varies]
    by_name: dict[str, list[tuple[float, tuple[float, float, float]]]] = {}
    for run in runs:
        name = run["engine"]
        if varies != "batch":
            name += ", one image" if run["batch"] == 1 else f", {run['batch']} images"
        point = (float(run[varies]), spread(run["images_per_s"]))
        by_name.setdefault(name, []).append(point)
    series = [Series(name, sorted(points)) for name, points in by_name.items()]
    return chart(title, x_axis, "images/s", series)


def growth_branches() -> str:
    """More branches, of which as many fire as before."""
    return _growth("branches", "number of branches, of which 4 fire", "Images a second by N")


def growth_k() -> str:
    """More of 20 branches fire."""
    return _growth("k", "k, branches that fire of 20", "Images a second by k")


def growth_batch() -> str:
    """More images at once."""
    return _growth("batch", "images at once", "Images a second by batch size")


def concurrency() -> str:
    """More callers at once."""
    by_name: dict[str, list[tuple[float, tuple[float, float, float]]]] = {}
    for run in figures("concurrency")["runs"]:
        point = (float(run["callers"]), spread(run["requests_per_s"]))
        by_name.setdefault(f"{run['engine']}, {run['way']}", []).append(point)
    series = [Series(name, points) for name, points in by_name.items()]
    return chart("Requests a second by callers", "callers at once", "requests/s", series)


PICTURES: dict[str, Callable[[], str]] = {
    "growth_branches": growth_branches, "growth_k": growth_k, "growth_batch": growth_batch,
    "concurrency": concurrency,
}  # fmt: skip


def main() -> None:
    """Write every chart."""
    write(PICTURES)


if __name__ == "__main__":
    main()
