"""The picture of a network whose branches stand in a row: how far the image went. Pure.

Each branch is a square on one line, and below it a bar says how sure it was; where the bar passes
the dotted line, the image leaves.
"""

from __future__ import annotations

from app.charts.figure import Trace
from app.charts.network_look import Look
from app.charts.network_parts import (
    CLEAR,
    UNFADED,
    Drawn,
    Shape,
    discs,
    line,
    text,
)
from app.charts.palette import ACCENT, QUIET, branch_colour, faint, on

_SURE, _FULL = -2.2, 1.5
_SIZE = 34


def in_a_row(look: Look) -> Drawn:
    """Stem, then every branch, the lit line as far as the image went."""
    places = {"stem": (0.0, 0.0)} | {f"branch {b}": (b + 1.0, 0.0) for b in range(look.count)}
    last = max(look.found.fired)
    shapes = [line(f"M0,0 L{last + 1},0", ACCENT, 4.0)]
    if last + 1 < look.count:
        shapes.append(line(f"M{last + 1},0 L{look.count},0", faint(QUIET, 0.6), 1.0))
    if look.threshold > 0:
        height = _SURE + _FULL * (1 - look.threshold)
        dotted = line(f"M0.5,{height} L{look.count + 0.5},{height}", QUIET, 1.5)
        shapes.append(dotted | {"line": dotted["line"] | {"dash": "dot"}, "name": "sure enough"})
    policy = look.card.policy
    costs = look.card.costs
    hover = {"stem": f"Stem: {costs.stem.macs / 1e6:.2f} M MACs, always runs"}
    words = [
        text(0, 0.62, "stem"),
        text((look.count + 1) / 2, 0.62, f"{policy.branches} in a row"),
        text(0.3, _SURE + _FULL / 2, "how sure", textangle=-90),
    ]
    return Drawn(
        traces=[
            *_bars(look),
            discs({"stem": places["stem"]}, hover),
            _squares(look),
        ],
        shapes=shapes,
        texts=[*words, *_labels(look)],
        places=places,
        height=(_SURE - 0.5, 0.95),
        across=(-0.4, look.count + 0.7),
    )


def sureness(look: Look) -> list[float | None]:
    """How sure each branch was of its answer, None where that is not known: it did not run, and the
    page's network was not run to its end."""
    scores = look.found.gate_scores
    sure: list[float | None] = [1 - float(score) for score in scores[1:]]
    at_the_end = look.count - 1 in look.found.fired
    return [*sure, float(look.found.probabilities.max()) if at_the_end else None]


def _bars(look: Look) -> list[Trace]:
    known = [(b, sure) for b, sure in enumerate(sureness(look)) if sure is not None]
    ran = set(look.found.fired)
    return [
        {
            "type": "bar",
            "base": _SURE,
            "x": [b + 1 for b, _ in known],
            "y": [_FULL * sure for _, sure in known],
            "width": 0.34,
            "marker": {
                "color": [branch_colour(b) if b in ran else faint(QUIET, 0.5) for b, _ in known],
                "line": {"width": 0},
            },
            "customdata": [f"branch {b}" for b, _ in known],
            "hovertext": [_hover(look, b) for b, _ in known],
            "hoverinfo": "text",
            "name": "bars",
            **UNFADED,
        }
    ]


def _squares(look: Look) -> Trace:
    everyone, ran = range(look.count), set(look.found.fired)
    off = [look.switched(b) == "off" for b in everyone]
    colours = [
        branch_colour(b) if b in ran else CLEAR if off[b] else faint(QUIET, 0.35) for b in everyone
    ]
    return {
        "type": "scatter",
        "x": [b + 1 for b in everyone],
        "y": [0.0] * look.count,
        "mode": "markers+text",
        "text": [str(b) for b in everyone],
        "textfont": {"color": [on(branch_colour(b)) if b in ran else QUIET for b in everyone]},
        "marker": {
            "symbol": "square",
            "size": _SIZE,
            "color": colours,
            "line": {"color": QUIET, "width": [1.0 if o else 0.0 for o in off]},
            "opacity": 1.0,
        },
        "customdata": [f"branch {b}" for b in everyone],
        "hovertext": [_hover(look, b) for b in everyone],
        "hoverinfo": "text",
        "name": "branches",
        **UNFADED,
    }


def _labels(look: Look) -> list[Shape]:
    """Below each branch how sure it was, and what the visitor switched; who answered."""
    found, last = [], max(look.found.fired)
    for b, sure in enumerate(sureness(look)):
        words = [] if sure is None else [f"{100 * sure:.0f} %"]
        if mark := look.switched(b):
            words.append(mark)
        if b == last:
            words.append("<b>answers</b>")
        found.append(text(b + 1, _SURE - 0.22, "<br>".join(words), yanchor="middle"))
    return found


def _hover(look: Look, branch: int) -> str:
    policy, found = look.card.policy, look.found
    sure = sureness(look)[branch]
    spent = dict(zip(found.fired, found.branch_macs, strict=True))
    lines = [f"<b>{policy.branch.capitalize()} {branch}</b>"]
    if branch in spent:
        lines[0] += f": {spent[branch] / 1e6:.2f} M MACs" + (
            ", answers" if branch == max(found.fired) else ", the image went on"
        )
    elif branch < max(found.fired):
        lines[0] += ": passed, not asked"
    else:
        lines[0] += ": did not run"
    if mark := look.switched(branch):
        lines.append(f"switched {mark} by you")
    if sure is not None:
        verb = "was" if branch in spent else "would have been"
        lines.append(f"it {verb} {100 * sure:.1f} % sure")
    return "<br>".join(lines)
