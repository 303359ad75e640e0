"""Draw the chart and write the table of docs/ablation.md: `python docs/draw_ablation.py`.

It measures nothing: what `benchmarks/ablation.py` measured stands in
`docs/performance/ablation.json`. A test holds both to what this gives.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from svg import dashed, dot, line, picture, words, write
from written_tables import write_tables

DOCS = Path(__file__).parent
FIGURES = DOCS / "performance" / "ablation.json"
WIDTH, ROW, TOP, BOTTOM = 760, 24, 44, 40
NAMES, VALUES = 260, 90
"""Room for the words on the left and for the figures on the right."""
LEAST = -3.0
"""Points; what lost more is an arrow at the edge."""
GAIN, LOSS, SAME = "#0072b2", "#d55e00", "#7f7f7f"


def _rows() -> list[dict[str, Any]]:
    """The variants, best first."""
    found = json.loads(FIGURES.read_text())["variants"]
    found["base"]["words"] = "**the base**"
    return sorted(found.values(), key=lambda row: -row["top1"])


def _points(value: float, digits: int = 2) -> str:
    return f"{value:+.{digits}f}".replace("-", "−") if value else "0"


def ablation() -> str:
    """The difference of every variant to the base, in points, with its standard error."""
    rows = _rows()
    most = max(row["difference"] + 2 * row["error"] for row in rows) + 0.2
    right, bottom = WIDTH - VALUES, TOP + ROW * len(rows)

    def across(points: float) -> float:
        return NAMES + (right - NAMES) * (max(points, LEAST) - LEAST) / (most - LEAST)

    shapes = [words(right, TOP - 24, "points of top-1 beside the base", anchor="end", kind="small")]
    for points in range(int(LEAST), int(most) + 1):
        x = across(points)
        shapes.append((dashed if points == 0 else line)(x, TOP - 6, x, bottom))
        shapes.append(words(x, bottom + 18, _points(points, 0), kind="small"))
    for index, row in enumerate(rows):
        y = TOP + ROW * (index + 0.5)
        name = row["words"].strip("*")
        shapes.append(words(NAMES - 14, y + 4, name, anchor="end", kind="small"))
        shapes.append(words(right + 14, y + 4, f"{row['top1']:.1f} %", anchor="start"))
        difference, error = row["difference"], row["error"]
        colour = SAME if abs(difference) <= 2 * error else GAIN if difference > 0 else LOSS
        if difference < LEAST:
            text = f"← {_points(difference, 1)}"
            shapes.append(words(across(LEAST), y + 4, text, anchor="start", colour=colour))
            continue
        low, high = across(difference - 2 * error), across(difference + 2 * error)
        shapes += [
            line(low, y, high, y, colour=colour, width=2),
            dot(across(difference), y, 4, colour),
        ]
    return picture(WIDTH, bottom + BOTTOM, "What each choice changes, in points of top-1", *shapes)


def table() -> str:
    """A row a variant, best first."""
    head = (
        "| what differs | top-1 | beside the base | all branches | hit rate | training "
        "| busiest branch | MACs |\n|---|---|---|---|---|---|---|---|\n"
    )
    return head + "".join(
        f"| {row['words']} | {row['top1']:.2f} | {_points(row['difference'])} ± {row['error']:.2f} "
        f"| {row['top1_all_branches']:.2f} | {row['hit_rate']:.1f} | {row['training_top1']:.1f} "
        f"| {100 * row['busiest_branch']:.0f} % | {row['macs'] / 1e6:.1f} M |\n"
        for row in _rows()
    )


PICTURES: dict[str, Callable[[], str]] = {"ablation": ablation}
TABLES: dict[str, Callable[[], str]] = {"ablation": table}


def main() -> None:
    """Draw and write both."""
    write(PICTURES)
    write_tables(TABLES)


if __name__ == "__main__":
    main()
