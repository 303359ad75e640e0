"""What the picture of a network is made of: lines, branches with their bars, discs, a ring.

Lines and the ring are layout shapes and words are annotations: Plotly draws them faster than
traces, and selecting a part leaves them alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from app.charts.figure import Trace
from app.charts.html import in_lines
from app.charts.marks import OUTLINE
from app.charts.network_look import Look
from app.charts.palette import ACCENT, QUIET, branch_colour, faint, on
from app.words.classes import readable_names
from app.words.policies import a

STEM, GATE, BRANCH, COMBINER = 0.0, 1.0, 2.1, 4.0
_BAR, _BAR_LENGTH = 2.22, 0.95
_LABEL = _BAR + _BAR_LENGTH + 0.04
_LABEL_END = _LABEL + 0.5
_CLASSES_A_LINE = 3
_LEAST = 0.01
_EDGE = BRANCH - 0.1
_SQUARE, _DISC, _RING_GAP = 20, 34, 5

CLEAR = "rgba(0,0,0,0)"
UNFADED = {"selected": {"marker": {"opacity": 1}}, "unselected": {"marker": {"opacity": 1}}}


Shape = dict[str, Any]
"""A layout shape or an annotation. Plotly takes many at once far faster than one by one."""


class Drawn(NamedTuple):
    """What stands in a picture, where each part is, and the ranges of y and x."""

    traces: list[Trace]
    shapes: list[Shape]
    texts: list[Shape]
    places: dict[str, tuple[float, float]]
    height: tuple[float, float]
    across: tuple[float, float] = (STEM - 0.45, COMBINER + 0.45)


def lines(look: Look) -> list[Shape]:
    """From the part before to every branch, and from the fired ones on."""
    source = (GATE if look.gated else STEM, look.middle)
    shapes = []
    if look.gated:
        shapes.append(line(f"M{STEM},{look.middle} L{GATE},{look.middle}", ACCENT, 4.0))
    quiet = [
        f"M{source[0]},{source[1]} L{_EDGE},{row}"
        for b, row in enumerate(look.rows)
        if b not in look.weights and look.switched(b) != "off"
    ]
    if quiet:
        shapes.append(line(" ".join(quiet), faint(QUIET, 0.6), 0.7))
    for b, weight in look.weights.items():
        row = look.rows[b]
        path = f"M{source[0]},{source[1]} L{BRANCH},{row} "
        path += f"M{_LABEL_END},{row} L{COMBINER},{look.middle}"
        shapes.append(line(path, branch_colour(b), 1.5 + 9 * weight))
    return shapes


def line(path: str, colour: str, width: float) -> Shape:
    """A path in the figure's own units."""
    stroke = {"color": colour, "width": width}
    return {"type": "path", "path": path, "layer": "below", "line": stroke, "fillcolor": CLEAR}


def branches(look: Look) -> list[Trace]:
    """Every branch: its square, its number, its bar."""
    return [_bars(look), *_squares(look)]


def _bars(look: Look) -> Trace:
    """One bar for each branch, a trace for all."""
    shares = look.shares
    scale = _BAR_LENGTH / max(*shares, 1e-9)
    return {
        "type": "bar",
        "base": _BAR,
        "x": [scale * share for share in shares],
        "y": look.rows,
        "orientation": "h",
        "width": 0.34,
        "marker": {
            "color": [branch_colour(b) if b in look.weights else QUIET for b in range(look.count)],
            "line": {"width": 0},
        },
        "customdata": [f"branch {b}" for b in range(look.count)],
        "hovertext": [_branch_text(look, b) for b in range(look.count)],
        "hoverinfo": "text",
        "name": "bars",
        **UNFADED,
    }


def _squares(look: Look) -> list[Trace]:
    """Branches as squares, all in one trace so that a branch is always the same point of it, and
    their numbers, which a selection would fade if its colour for the rest were not given."""
    everyone = range(look.count)
    lit = [b in look.weights for b in everyone]
    off = [look.switched(b) == "off" for b in everyone]
    quiet = [CLEAR if off[b] else faint(QUIET, 0.35) for b in everyone]
    squares = {
        "type": "scatter",
        "x": [BRANCH] * look.count,
        "y": look.rows,
        "mode": "markers",
        "marker": {
            "symbol": "square",
            "size": min(_SQUARE, 0.85 * look.row_height),
            "color": [branch_colour(b) if lit[b] else quiet[b] for b in everyone],
            "line": {"color": QUIET, "width": [1.0 if off[b] else 0.0 for b in everyone]},
            "opacity": 1.0,
        },
        "customdata": [f"branch {b}" for b in everyone],
        "hovertext": [_branch_text(look, b) for b in everyone],
        "hoverinfo": "text",
        "name": "branches",
        **UNFADED,
    }
    size = min(11.0, 0.6 * look.row_height)
    numbers = [
        {
            "type": "scatter",
            "x": [BRANCH] * len(some),
            "y": [look.rows[b] for b in some],
            "mode": "text",
            "text": [str(b) for b in some],
            "textfont": {"size": size, "color": colour},
            "selected": {"textfont": {"color": colour}},
            "unselected": {"textfont": {"color": colour}},
            "hoverinfo": "skip",
            "name": "numbers",
        }
        for colour, some in (
            *(
                (colour, [b for b in everyone if lit[b] and on(branch_colour(b)) == colour])
                for colour in ("#ffffff", "#000000")
            ),
            (QUIET, [b for b in everyone if not lit[b]]),
        )
    ]
    return [squares, *numbers]


def labels(look: Look) -> list[Shape]:
    """Behind the bars: the figure that the bar stands for, and what the visitor switched."""
    found = []
    for b, row in enumerate(look.rows):
        mark = look.switched(b)
        words = [mark] if mark else []
        if b in look.weights:
            share = look.shares[b]
            few = f"&lt; {100 * _LEAST:.0f} %"
            words.insert(0, f"{100 * share:.0f} %" if share >= _LEAST else few)
        if words:
            found.append(text(_LABEL, row, ", ".join(words), xanchor="left", font=_font(look)))
    return found


def text(x: float, y: float, words: str, **more: Any) -> Shape:
    """An annotation."""
    return {"x": x, "y": y, "text": words, "showarrow": False, **more}


def _font(look: Look) -> dict[str, float]:
    return {"size": min(11.0, 0.6 * look.row_height)}


def _branch_text(look: Look, branch: int) -> str:
    weights, found, card = look.weights, look.found, look.card
    verdict = f"fired, weight {weights[branch]:.3f}" if branch in weights else "did not fire"
    policy = card.policy
    lines = [f"<b>{policy.branch.capitalize()} {branch}</b>: {verdict}"]
    if mark := look.switched(branch):
        lines.append(f"switched {mark} by you")
    if policy.by_token:
        share = 100 * float(found.gate_confidence[branch])
        lines.append(f"the {policy.gate} gives it {share:.1f} % of a patch on average")
    elif look.gated:
        lines.append(
            f"{policy.gate} score {float(found.gate_scores[branch]):.2f}, "
            f"confidence {100 * float(found.gate_confidence[branch]):.1f} %"
        )
    if card.subtasks:
        names = [readable_names(card.class_names)[c] for c in card.subtasks[branch]]
        lines.append(f"Subtask: {in_lines(names, _CLASSES_A_LINE)}")
    else:
        lines.append(f"{a(policy.branch).capitalize()}: no subtask, it answers for every class")
    return "<br>".join(lines)


def discs(places: dict[str, tuple[float, float]], hover: dict[str, str]) -> Trace:
    """Parts that always run, by name, as discs; `hover`: what hovering says."""
    return {
        "type": "scatter",
        "x": [x for x, _ in places.values()],
        "y": [y for _, y in places.values()],
        "mode": "markers",
        "marker": {"symbol": "circle", "size": _DISC, "color": ACCENT, "opacity": 1.0},
        "customdata": list(places),
        "hovertext": [hover[name] for name in places],
        "hoverinfo": "text",
        "name": "always run",
        **UNFADED,
    }


def ring(place: tuple[float, float], *, square: bool) -> Shape:
    """Around the part that is open, of one size in pixels whatever the figure's."""
    radius = (_SQUARE if square else _DISC) / 2 + _RING_GAP
    return {
        "type": "rect" if square else "circle",
        "xsizemode": "pixel", "ysizemode": "pixel", "xanchor": place[0], "yanchor": place[1],
        "x0": -radius, "x1": radius, "y0": -radius, "y1": radius,
        "fillcolor": CLEAR, "line": {"color": OUTLINE, "width": 2.5}, "name": "opened",
    }  # fmt: skip
