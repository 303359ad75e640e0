"""The few shapes that the pictures of the documentation are made of, as SVG that takes the page's
colours: `quiet`, `line` and `words` are classes of `stylesheets/extra.css`, light and dark."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

FOLDER = Path(__file__).parent / "pictures"


def picture(width: int, height: int, title: str, *shapes: str) -> str:
    """A whole picture; `title` is what a screen reader says. No blank lines: Markdown holds it."""
    body = "\n".join(shapes)
    return (
        f'<svg class="picture" viewBox="0 0 {width} {height}" role="img" '
        f'xmlns="http://www.w3.org/2000/svg">\n<title>{escape(title)}</title>\n{body}\n</svg>\n'
    )


def box(x: float, y: float, width: float, height: float, fill: str | None = None) -> str:
    """A rounded rectangle; quiet unless it has a colour."""
    paint = f'fill="{fill}"' if fill else 'class="quiet"'
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4" {paint}/>'


def line(x1: float, y1: float, x2: float, y2: float, *, colour: str = "", width: float = 1) -> str:
    """A straight line; quiet unless it has a colour."""
    paint = f'stroke="{colour}"' if colour else 'class="line"'
    return (
        f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" {paint} stroke-width="{width:g}"/>'
    )


def curve(places: Iterable[tuple[float, float]], *, colour: str, width: float) -> str:
    """A line through many places."""
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return (
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width:g}" '
        'stroke-linejoin="round"/>'
    )


def dot(x: float, y: float, radius: float, colour: str) -> str:
    """A filled circle."""
    return f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{colour}"/>'


def dashed(x1: float, y1: float, x2: float, y2: float) -> str:
    """A dashed line in the colour of the words."""
    return (
        f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" class="limit" '
        'stroke-dasharray="5 4"/>'
    )


def words(
    x: float, y: float, text: str, *, anchor: str = "middle", kind: str = "words", colour: str = ""
) -> str:
    """One line of text. `kind`: words, strong or small; `colour`: the page's unless given."""
    paint = f' style="fill:{colour}"' if colour else ""  # stronger than the style sheet
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" class="{kind}"{paint}>'
        f"{escape(text)}</text>"
    )


def apart(heights: Sequence[float], room: float = 15) -> list[float]:
    """The same heights, moved down where two names would overlap."""
    order = sorted(range(len(heights)), key=lambda index: heights[index])
    found, last = [0.0] * len(heights), -math.inf
    for index in order:
        last = found[index] = max(heights[index], last + room)
    return found


def write(pictures: Mapping[str, Callable[[], str]]) -> None:
    """Draw each and put it into the folder of pictures under its name."""
    FOLDER.mkdir(exist_ok=True)
    for name, draw in pictures.items():
        (FOLDER / f"{name}.svg").write_text(draw())
