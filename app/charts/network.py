"""The network as a picture: stem → gate → branches → combiner, with the route lit.

Pure: card and answer in, Plotly figure out. Every part is one point that can be clicked, and its
`customdata` is the part's name. Selecting changes no colour: which part is open is an argument.
"""

from __future__ import annotations

import plotly.graph_objects as go

from app.charts.figure import BARE, figure
from app.charts.network_look import Look
from app.charts.network_parts import (
    BRANCH,
    COMBINER,
    GATE,
    STEM,
    Drawn,
    branches,
    discs,
    labels,
    lines,
    ring,
    text,
)
from app.charts.network_row import in_a_row
from app.charts.palette import ACCENT
from hydranet.checkpoints.card import Card
from hydranet.routing.answer import Answer
from hydranet.routing.policies import Policy
from hydranet.routing.switchboard import Switchboard

_LONG = 8
_MARGIN_TOP = 36


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
        title = _fired_title(found.fired, count, card.policy)
        row_height = (height - _MARGIN_TOP) / (count + 1.3)
        look = Look(card, found, board, row_height)
        drawn = in_a_row(look) if card.policy.in_a_row else _hydra(look)
    else:
        title = "A static network: every image runs all of it"
        drawn = _static(card)
    shapes = drawn.shapes
    if opened in drawn.places:
        shapes = [*shapes, ring(drawn.places[opened], square=opened.startswith("branch "))]
    layout = {
        "title": {"text": title, "font": {"size": 16}, "x": 0, "xanchor": "left"},
        "height": height,
        "margin": {"l": 4, "r": 4, "t": _MARGIN_TOP, "b": 4},
        "showlegend": False,
        "hovermode": "closest",
        "dragmode": False,
        "shapes": shapes,
        "annotations": drawn.texts,
        "xaxis": {"visible": False, "range": drawn.across, "fixedrange": True},
        "yaxis": {"visible": False, "range": drawn.height, "fixedrange": True},
        **BARE,
    }
    return figure(drawn.traces, layout)


def _fired_title(fired: tuple[int, ...], count: int, policy: Policy) -> str:
    one, many = policy.branch, policy.branches
    if policy.in_a_row:
        last = max(fired)
        return f"Left at {one} {last}" + (
            f", the last of {count}" if last == count - 1 else f" of {count}"
        )
    if policy.by_token:
        return f"Patches went to {len(fired)} of {count} {many}"
    if len(fired) == count:
        return f"All {count} {many} fired"
    if len(fired) == 1:
        return f"{one.capitalize()} {fired[0]} of {count} fired"
    if len(fired) > _LONG:
        return f"{len(fired)} of {count} {many} fired"
    listed = f"{', '.join(map(str, fired[:-1]))} and {fired[-1]}"
    return f"{many.capitalize()} {listed} of {count} fired"


def _hydra(look: Look) -> Drawn:
    """A network with branches."""
    costs, middle, policy = look.card.costs, look.middle, look.card.policy
    always = {"stem": (STEM, middle), "gate": (GATE, middle), "combiner": (COMBINER, middle)}
    hover = {
        "stem": f"Stem: {costs.stem.macs / 1e6:.2f} M MACs, always runs",
        "gate": f"{policy.gate.capitalize()}: {costs.gate.macs / 1e6:.2f} M MACs, always runs",
        "combiner": f"{policy.combiner.capitalize()}: {costs.combiner.macs / 1e6:.3f} M MACs, "
        f"joins the fired {policy.branches}",
    }
    names = {"stem": "stem", "gate": policy.gate, "combiner": policy.combiner}
    if not look.gated:
        del always["gate"]
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
