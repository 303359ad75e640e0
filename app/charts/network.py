"""The network as a picture: stem → gate → branches → combiner, with the route lit.

Pure: card and answer in, Plotly figure out. Every part is one point that can be clicked, and its
`customdata` is the part's name. Selecting changes no colour: which part is open is an argument.
"""

from __future__ import annotations

from typing import NamedTuple

import plotly.graph_objects as go

from app.charts.figure import BARE, Trace, figure
from app.charts.network_look import Look
from app.charts.network_parts import (
    BRANCH,
    COMBINER,
    GATE,
    STEM,
    Shape,
    branches,
    discs,
    labels,
    lines,
    ring,
    text,
)
from app.charts.palette import ACCENT
from hydranet.answer import Answer
from hydranet.card import Card
from hydranet.switchboard import Switchboard

_LONG = 8
_MARGIN_TOP = 36

Point = tuple[float, float]


def network_picture(
    card: Card,
    found: Answer,
    *,
    board: Switchboard | None = None,
    opened: str | None = None,
    height: int = 560,
) -> go.Figure:
    """The parts of a network; what ran for the image is coloured, the rest is grey.

    Each branch has a row: its number, and a bar as long as the gate's confidence in it (where no
    gate chooses, the weight in the answer). A line's width is the weight of the branch. `board`:
    branches that it switches are marked; `opened`: the part that gets a ring.
    """
    count = card.costs.num_branches
    if count:
        title = _fired_title(found.fired, count)
        row_height = (height - _MARGIN_TOP) / (count + 1.3)
        drawn = _hydra(Look(card, found, board, row_height))
    else:
        title = "A static network: every image runs all of it"
        drawn = _static(card)
    shapes = drawn.shapes
    if opened in drawn.places:
        shapes = [*shapes, ring(drawn.places[opened], square=opened.startswith("branch "))]
    across = [STEM - 0.45, COMBINER + 0.45]
    layout = {
        "title": {"text": title, "font": {"size": 16}, "x": 0, "xanchor": "left"},
        "height": height,
        "margin": {"l": 4, "r": 4, "t": _MARGIN_TOP, "b": 4},
        "showlegend": False,
        "hovermode": "closest",
        "dragmode": False,
        "shapes": shapes,
        "annotations": drawn.texts,
        "xaxis": {"visible": False, "range": across, "fixedrange": True},
        "yaxis": {"visible": False, "range": drawn.height, "fixedrange": True},
        **BARE,
    }
    return figure(drawn.traces, layout)


def _fired_title(fired: tuple[int, ...], count: int) -> str:
    if len(fired) == count:
        return f"All {count} branches fired"
    if len(fired) == 1:
        return f"Branch {fired[0]} of {count} fired"
    if len(fired) > _LONG:
        return f"{len(fired)} of {count} branches fired"
    return f"Branches {', '.join(map(str, fired[:-1]))} and {fired[-1]} of {count} fired"


class Drawn(NamedTuple):
    """What stands in a picture, where each part is, and the range of y."""

    traces: list[Trace]
    shapes: list[Shape]
    texts: list[Shape]
    places: dict[str, Point]
    height: tuple[float, float]


def _hydra(look: Look) -> Drawn:
    """A network with branches."""
    costs, middle = look.card.costs, look.middle
    always = {"stem": (STEM, middle), "gate": (GATE, middle), "combiner": (COMBINER, middle)}
    hover = {
        "stem": f"Stem: {costs.stem.macs / 1e6:.2f} M MACs, always runs",
        "gate": f"Gate: {costs.gate.macs / 1e6:.2f} M MACs, always runs",
        "combiner": f"Combiner: {costs.combiner.macs / 1e6:.3f} M MACs, joins the fired branches",
    }
    names = {"stem": "stem", "gate": "gate", "combiner": "combiner"}
    if not look.gated:
        del always["gate"]
        names["combiner"] = "mean"
        hover["combiner"] = "No parameters: the logits of the heads that ran are averaged"
    top = look.count + 0.1
    headings = [text(always[part][0], top, names[part]) for part in always]
    headings.append(text(BRANCH + 0.45, top, look.heading))
    return Drawn(
        traces=[*branches(look), discs(always, hover)],
        shapes=lines(look),
        texts=[*headings, *labels(look)],
        places=always | {f"branch {b}": (BRANCH, row) for b, row in enumerate(look.rows)},
        height=(-0.7, look.count + 0.6),
    )


def _static(card: Card) -> Drawn:
    """The three parts of a static network."""
    places = {"stem": (0.6, 0.0), "last stage": (2.0, 0.0), "output": (3.4, 0.0)}
    always = f"all of {card.costs.routed_macs / 1e6:.1f} M MACs always run"
    line = {
        "type": "line", "x0": 0.6, "x1": 3.4, "y0": 0, "y1": 0, "layer": "below",
        "line": {"color": ACCENT, "width": 4},
    }  # fmt: skip
    return Drawn(
        traces=[discs(places, {name: f"{name}: {always}" for name in places})],
        shapes=[line],
        texts=[text(x, y, name, yshift=-34) for name, (x, y) in places.items()],
        places=places,
        height=(-1, 1),
    )
