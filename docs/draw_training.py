"""Draw the curves and write the table of docs/long_training.md: `python docs/draw_training.py`.

It measures nothing: `docs/performance/long_training.json` holds what the cards of the networks say,
as `benchmarks/trained.py` prints it. A test holds both to what this gives.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from svg import apart, curve, line, picture, words, write
from written_tables import write_tables

DOCS = Path(__file__).parent
FIGURES = DOCS / "performance" / "long_training.json"
DRAWN = {
    "hydra_res_d2_plain": ("Hydra-Res-d2", "#0072b2"),
    "hydra_res_d1_plain": ("Hydra-Res-d1", "#009e73"),
    "resnet14_plain": ("ResNet-14", "#d55e00"),
}
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 700, 400, 50, 170, 24, 50
HIGH = 100


def _runs() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(FIGURES.read_text())["runs"]
    return found


def curves() -> str:
    """Top-1 by epoch, on training images (thin) and on held-out ones (thick)."""
    runs = {run["name"]: run for run in _runs()}
    epochs = max(len(runs[name]["train_top1"]) for name in DRAWN)
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def across(epoch: float) -> float:
        return LEFT + (right - LEFT) * epoch / epochs

    def up(top1: float) -> float:
        return bottom - (bottom - TOP) * top1 / HIGH

    def drawn(values: Sequence[float], colour: str, width: float) -> str:
        places = [(across(epoch), up(top1)) for epoch, top1 in enumerate(values, start=1)]
        return curve(places, colour=colour, width=width)

    shapes = []
    for top1 in range(0, HIGH + 1, 20):
        shapes.append(line(LEFT, up(top1), right, up(top1)))
        shapes.append(words(LEFT - 8, up(top1) + 4, f"{top1}", anchor="end", kind="small"))
    for epoch in range(0, epochs + 1, 20):
        shapes.append(words(across(epoch), bottom + 18, f"{epoch}", kind="small"))
    shapes.append(words((LEFT + right) / 2, HEIGHT - 10, "epoch"))
    shapes.append(words(LEFT, TOP - 8, "top-1, %", anchor="start", kind="small"))
    ends: list[tuple[float, str, str]] = []
    for name, (title, colour) in DRAWN.items():
        seen, held_out = runs[name]["train_top1"], runs[name]["validation_top1"]
        shapes += [drawn(seen, colour, 1), drawn(held_out, colour, 2.5)]
        ends += [(up(seen[-1]), f"{title}, training", colour)]
        ends += [(up(held_out[-1]), f"{title}, held out", colour)]
    for y, (_, text, colour) in zip(apart([end[0] for end in ends]), ends, strict=True):
        shapes.append(words(right + 8, y + 4, text, anchor="start", kind="small", colour=colour))
    return picture(WIDTH, HEIGHT, "Top-1 by epoch, on training and on held-out images", *shapes)


def table() -> str:
    """A row a run."""
    head = (
        "| network | learns from | epochs | top-1 | training images | hit rate | told the subtask "
        "| trained on | time |\n|---|---|---|---|---|---|---|---|---|\n"
    )
    return head + "".join(map(_row, _runs()))


def _row(run: dict[str, Any]) -> str:
    recipe = run["recipe"]
    start = f", from {recipe['start']}" if recipe["start"] else ""
    teacher = f"labels and {recipe['teacher']}" if recipe["teacher"] else "labels"
    taught = teacher + "".join(f", {words}" for words in _besides(recipe))
    gate = [f"{run[name]:.1f} %" if name in run else "" for name in _OF_GATES]
    return (
        f"| {run['name']}{start} | {taught} | {recipe['epochs']} | **{run['top1']:.2f} %** "
        f"| {run['train_top1'][-1]:.1f} % | {gate[0]} | {gate[1]} | {run['hardware']} "
        f"| {run['seconds'] / 60:.1f} min |\n"
    )


def _besides(recipe: dict[str, Any]) -> list[str]:
    """What else the recipe does, of that which came after the first runs."""
    found = []
    if recipe.get("gate_targets") == "teacher":
        found.append("the gate too")
    if recipe.get("gate_loss", _GATE_LOSS) > _GATE_LOSS:
        found.append(f"gate loss {recipe['gate_loss']:g}")
    if recipe.get("cutmix"):
        found.append(f"CutMix {recipe['cutmix']:g}")
    return found


_GATE_LOSS = 0.5
_OF_GATES = ("hit_rate", "top1_perfect_gate")
PICTURES: dict[str, Callable[[], str]] = {"long_training": curves}
TABLES: dict[str, Callable[[], str]] = {"long_training": table}


def main() -> None:
    """Draw and write both."""
    write(PICTURES)
    write_tables(TABLES)


if __name__ == "__main__":
    main()
