"""The network with its route as a still SVG: stem → gate → branches → combiner.

The page draws the same with Plotly; a report must stand without Plotly's 4.5 MB of JavaScript.
Text takes the colour of the page around it, so it reads in light, in dark and on paper. No line
runs through a weight: on their way to the combiner lines begin beside it.
"""

from __future__ import annotations

from html import escape

from app.charts.palette import ACCENT, QUIET, branch_colour, on
from app.charts.words import network_text
from app.inspection import Inspection

_WIDTH, _ROW, _TOP = 640, 24, 40
_STEM, _GATE, _BRANCH, _COMBINER = 50, 190, 350, 580
_WEIGHT, _BESIDE = _BRANCH + 40, _BRANCH + 70
"""The middle of a weight, and where a line begins that goes on from there."""

_ON_PAGE = 'fill="currentColor" stroke="var(--back)" stroke-width="4" paint-order="stroke"'


def network_svg(inspection: Inspection) -> str:
    """An `<svg>` element with a description for screen readers."""
    card, found, board = inspection.card, inspection.found, inspection.board
    count = card.costs.num_branches
    height = _TOP + _ROW * max(count, 3) + 16
    if card.policy.in_a_row:
        height, body = 160, _in_a_row(inspection, count)
    else:
        body = _hydra(inspection, count) if count else _static(height)
    described = escape(network_text(card, found, board=board), quote=True)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{described}">'
        f"{''.join(body)}</svg>"
    )


def _static(height: int) -> list[str]:
    middle = height / 2
    xs = {110: "stem", 320: "last stage", 530: "output"}
    return [
        _line(110, middle, 530, middle, ACCENT, 4),
        *(_disc(x, middle) + _text(x, middle + 36, name) for x, name in xs.items()),
    ]


def _hydra(inspection: Inspection, count: int) -> list[str]:
    found = inspection.found
    rows = [_TOP + _ROW * (b + 0.5) for b in range(count)]
    middle = (rows[0] + rows[-1]) / 2
    weights = dict(zip(found.fired, found.weights, strict=True))
    body = [
        _line(_GATE, middle, _BRANCH, row, QUIET, 0.6)
        for b, row in enumerate(rows)
        if b not in weights
    ]
    for b, weight in weights.items():
        colour, width = branch_colour(b), 1.5 + 9 * weight
        body += [
            _line(_GATE, middle, _BRANCH, rows[b], colour, width),
            _line(_BESIDE, rows[b], _COMBINER, middle, colour, width),
        ]
    body.append(_line(_STEM, middle, _GATE, middle, ACCENT, 4))
    body += [_branch(b, row, weights.get(b)) for b, row in enumerate(rows)]
    policy = inspection.card.policy
    places = {_STEM: "stem", _GATE: policy.gate or "no gate", _COMBINER: policy.combiner}
    body += [_disc(x, middle) + _text(x, middle + 34, name) for x, name in places.items()]
    return [*body, _text(_BRANCH, 24, f"{policy.branches}, weight in the answer")]


def _in_a_row(inspection: Inspection, count: int) -> list[str]:
    """Stem and branches on one line, lit as far as the image went."""
    found, policy, middle = inspection.found, inspection.card.policy, 70
    step = (_WIDTH - 2 * _STEM) / max(count, 1)
    xs = [_STEM + step * (b + 1) for b in range(count)]
    last = max(found.fired)
    body = [_line(_STEM, middle, xs[-1], middle, QUIET, 0.6)]
    body += [_line(_STEM, middle, xs[last], middle, ACCENT, 4)]
    body += [_disc(_STEM, middle), _text(_STEM, middle + 34, "stem")]
    for b, x in enumerate(xs):
        colour = branch_colour(b) if b in found.fired else QUIET
        body.append(
            f'<rect x="{x - 12:.1f}" y="{middle - 12}" width="24" height="24" fill="{colour}"/>'
        )
        body.append(_text(x, middle + 4, str(b), colour=on(colour)))
    body.append(_text(xs[last], middle + 34, "answers"))
    return [*body, _text(_WIDTH / 2, 24, f"{policy.branches} in a row")]


def _branch(branch: int, row: float, weight: float | None) -> str:
    """A numbered square; coloured, with its weight, where it fired."""
    colour = branch_colour(branch) if weight is not None else QUIET
    side = _ROW - 5
    square = (
        f'<rect x="{_BRANCH - side / 2:.1f}" y="{row - side / 2:.1f}" width="{side}" '
        f'height="{side}" fill="{colour}"/>'
    )
    number = _text(_BRANCH, row + 4, str(branch), colour=on(colour))
    if weight is None:
        return square + number
    return square + number + _text(_WEIGHT, row + 4, f"{100 * weight:.1f} %")


def _line(x0: float, y0: float, x1: float, y1: float, colour: str, width: float) -> str:
    return (
        f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" stroke="{colour}" '
        f'stroke-width="{width:.2f}"/>'
    )


def _disc(x: float, y: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="16" fill="{ACCENT}"/>'


def _text(x: float, y: float, text: str, *, colour: str | None = None) -> str:
    """In the colour of the page's text, on a halo of the page's ground that keeps lines off it; in
    a `colour`, where it stands on another."""
    look = f'fill="{colour}"' if colour else _ON_PAGE
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" font-size="12" {look}>'
        f"{escape(text)}</text>"
    )
