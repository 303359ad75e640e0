"""Draw the pictures of docs/concepts.md: `python docs/draw_pictures.py`.

Costs are counted, routes and weights computed by the package; only the scores are an example. A
test holds the files to what this draws.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from svg import box, dashed, line, picture, words, write

from app.charts.palette import ACCENT, branch_colour, on
from hydranet.config import HydraConfig
from hydranet.costs import count_costs
from hydranet.registry import model_config
from hydranet.routing.arrays import PADDING, choose
from hydranet.routing.policies import softmax

# Gate scores of two images for eight branches, made up to show a sure gate and an unsure one.
SURE = np.array([[0.2, -0.6, 4.1, 0.1, -0.3, 1.0, -1.1, 0.4]], np.float32)
UNSURE = np.array([[0.9, -0.6, 1.9, 0.1, 1.6, 1.3, -1.1, 0.4]], np.float32)
K, THRESHOLD = 4, 0.15
BRANCHES = SURE.shape[1]
STEM, GATE, STAGE = "#5a6670", "#929ba4", "#56b4e9"


def fired(scores: NDArray[np.float32], threshold: float = 0.0) -> dict[int, float]:
    """Branch → weight, of those that run."""
    branches, weights = choose(scores, k=K, threshold=threshold)
    pairs = zip(branches[0].tolist(), weights[0].tolist(), strict=True)
    return {branch: weight for branch, weight in pairs if branch != PADDING}


def network() -> str:
    """Stem, gate, branches and combiner, with one route lit."""
    weights = fired(UNSURE)
    middle, top, step = 190, 30, 42
    shapes = [
        box(15, middle - 30, 60, 60),
        words(45, middle + 5, "image"),
        line(75, middle, 120, middle, colour=ACCENT, width=4),
        box(120, middle - 50, 80, 100, ACCENT),
        words(160, middle + 5, "stem", kind="strong", colour=on(ACCENT)),
        line(200, middle, 250, middle, colour=ACCENT, width=4),
        box(250, middle - 35, 70, 70, ACCENT),
        words(285, middle + 5, "gate", kind="strong", colour=on(ACCENT)),
    ]
    for branch in range(BRANCHES):
        y = top + branch * step
        runs = branch in weights
        colour = branch_colour(branch) if runs else ""
        wide = 2 + 8 * weights[branch] if runs else 1
        shapes.append(line(320, middle, 400, y + 14, colour=colour, width=wide))
        shapes.append(box(400, y, 140, 28, colour or None))
        label = f"branch {branch}"
        shapes.append(words(470, y + 19, label, colour=on(colour) if runs else ""))
        if runs:
            shapes.append(line(540, y + 14, 620, middle, colour=colour, width=wide))
    shapes += [
        box(620, middle - 40, 110, 80, ACCENT),
        words(675, middle + 5, "combiner", kind="strong", colour=on(ACCENT)),
        line(730, middle, 770, middle, colour=ACCENT, width=4),
        words(776, middle + 5, "answer", anchor="start", kind="strong"),
        words(160, 360, "all images", kind="small"),
        words(285, 360, "scores branches", kind="small"),
        words(470, 386, f"the best {K} of {BRANCHES} run", kind="small"),
        words(675, 360, "joins what ran", kind="small"),
    ]
    title = (
        "A HydraNet: an image passes the stem, the gate scores the "
        "branches, four of eight run, and the combiner joins them into an answer."
    )
    return picture(840, 400, title, *shapes)


def _bars(
    scores: NDArray[np.float32], title: str, *, left: float, height: float, threshold: float = 0.0
) -> list[str]:
    """The gate's confidence in each branch as bars, what runs in colour; `height` is 100 %."""
    confidence, weights = softmax(scores)[0], fired(scores, threshold)
    base, step = 190, 40
    shapes = [words(left, 22, title, anchor="start", kind="strong")]
    if threshold:  # behind the bars and their words
        y = base - threshold * height
        shapes.append(dashed(left - 8, y, left + BRANCHES * step, y))
    for branch in range(BRANCHES):
        x, tall = left + branch * step, float(confidence[branch]) * height
        colour = branch_colour(branch) if branch in weights else None
        shapes.append(box(x, base - max(tall, 2), 28, max(tall, 2), colour))
        shapes.append(
            words(
                x + 14, base - max(tall, 2) - 6, f"{100 * confidence[branch]:.0f} %", kind="small"
            )
        )
        shapes.append(words(x + 14, base + 18, str(branch)))
        if branch in weights:
            shapes.append(words(x + 14, base + 38, f"{weights[branch]:.2f}", kind="strong"))
    return shapes


def route() -> str:
    """From scores to a route: the best k, and a softmax over them as weights."""
    shapes = _bars(
        UNSURE, f"Gate's confidence; the best {K} of {BRANCHES} run", left=120, height=400
    )
    shapes += [
        words(105, 208, "branch", anchor="end"),
        words(105, 228, "weight", anchor="end", kind="strong"),
    ]
    title = (
        "Bars of the gate's confidence in eight branches; the best four are "
        "coloured and have weights that add up to one."
    )
    return picture(560, 245, title, *shapes)


def dynamic_k() -> str:
    """The same threshold for a sure gate and for an unsure one."""
    count = [len(fired(scores, THRESHOLD)) for scores in (SURE, UNSURE)]
    height = 150
    look = {"height": height, "threshold": THRESHOLD}
    shapes = _bars(SURE, f"Sure: {count[0]} runs", left=90, **look)
    shapes += _bars(UNSURE, f"Unsure: {count[1]} run", left=480, **look)
    shapes += [
        words(78, 208, "branch", anchor="end"),
        words(78, 228, "weight", anchor="end", kind="strong"),
        words(78, 194 - THRESHOLD * height, f"{100 * THRESHOLD:.0f} %", anchor="end", kind="small"),
    ]
    title = (
        "Two images under one threshold: where the gate is sure, one branch "
        "runs; where it is not, more do."
    )
    return picture(820, 245, title, *shapes)


def costs() -> str:
    """MACs by part: all branches, k = 4, k = 1, and the static network of k = 4's cost."""
    config = model_config("hydra_res_d1")
    assert isinstance(config, HydraConfig), "it is a HydraNet"
    counted, static = count_costs(config), count_costs(model_config("resnet14"))
    scale = 560 / counted.all_branches_macs
    rows = [
        (f"all {counted.num_branches} branches", counted.num_branches),
        ("k = 4", 4),
        ("k = 1", 1),
    ]
    shapes: list[str] = []
    for row, (label, ran) in enumerate(rows):
        y, x = 40 + row * 46, 130.0
        shapes.append(words(120, y + 19, label, anchor="end"))
        parts = [(counted.stem.macs, STEM), (counted.gate.macs, GATE)]
        parts += [(counted.branch.macs, branch_colour(b)) for b in range(ran)]
        for macs, colour in parts:
            shapes.append(box(x, y, max(macs * scale - 1.5, 1), 28, colour))
            x += macs * scale
        shapes.append(
            words(x + 8, y + 19, f"{counted.macs(ran) / 1e6:.1f} M", anchor="start", kind="strong")
        )
    y = 40 + len(rows) * 46
    shapes.append(words(120, y + 19, "ResNet-14, static", anchor="end"))
    shapes.append(box(130, y, static.routed_macs * scale, 28))
    shapes.append(
        words(
            138 + static.routed_macs * scale,
            y + 19,
            f"{static.routed_macs / 1e6:.1f} M",
            anchor="start",
            kind="strong",
        )
    )
    shapes += [
        words(130 + counted.stem.macs * scale / 2, 30, "stem", kind="small"),
        words(132 + (counted.stem.macs + counted.gate.macs / 2) * scale, 30, "gate", kind="small"),
        words(
            150 + (counted.stem.macs + counted.gate.macs) * scale,
            30,
            "one block a branch",
            anchor="start",
            kind="small",
        ),
    ]
    title = (
        "MACs of Hydra-Res-d1 by part: stem, gate and the branches that run, "
        "beside the static ResNet-14."
    )
    return picture(780, 230, title, *shapes)


def upcycling() -> str:
    """A static network's last stage becomes the gate and every branch."""
    shapes = [
        words(20, 24, "trained static network", anchor="start", kind="strong"),
        box(20, 40, 150, 44, ACCENT), words(95, 67, "stem", colour=on(ACCENT)),
        line(170, 62, 200, 62, colour=ACCENT, width=3),
        box(200, 40, 150, 44, STAGE), words(275, 67, "last stage", colour=on(STAGE)),
        line(350, 62, 380, 62, colour=ACCENT, width=3),
        box(380, 40, 150, 44, ACCENT), words(455, 67, "output layer", colour=on(ACCENT)),
        words(20, 290, "HydraNet at its start", anchor="start", kind="strong"),
        box(20, 220, 150, 44, ACCENT), words(95, 247, "stem", colour=on(ACCENT)),
        box(380, 220, 150, 44, ACCENT), words(455, 247, "combiner", colour=on(ACCENT)),
        dashed(95, 84, 95, 220), dashed(455, 84, 455, 220), dashed(275, 84, 275, 158),
        words(540, 247, "answers as the static one", anchor="start", kind="small"),
    ]  # fmt: skip
    for index, label in enumerate(("gate", "branch 0", "branch 1", "branch …")):
        y = 158 + index * 46
        shapes.append(line(170, 242, 200, y + 17, colour=ACCENT, width=2))
        shapes.append(box(200, y, 150, 34, STAGE))
        shapes.append(words(275, y + 22, label, colour=on(STAGE)))
        if index:
            shapes.append(line(350, y + 17, 380, 242, colour=ACCENT, width=2))
    title = (
        "Upcycling: the stem is copied, the last stage is copied into "
        "the gate and every branch, the output layer into the combiner."
    )
    return picture(720, 345, title, *shapes)


PICTURES = {
    "network": network, "route": route, "dynamic_k": dynamic_k, "costs": costs,
    "upcycling": upcycling,
}  # fmt: skip


def main() -> None:
    """Write every picture."""
    write(PICTURES)


if __name__ == "__main__":
    main()
