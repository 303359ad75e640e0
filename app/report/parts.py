"""Pieces of a report in HTML. Every text that goes in is escaped here, and nowhere else."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape

from PIL import Image

STYLE = """
:root { color-scheme: light dark; --quiet: #5b6168; --line: #d5d8dc; --back: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --quiet: #a8adb4; --line: #3a4048; --back: #15181c; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
  background: var(--back); color: CanvasText; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p, figcaption { color: var(--quiet); } svg { width: 100%; height: auto; }
a { color: inherit; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid var(--line);
  font-weight: normal; vertical-align: top; }
thead th { color: var(--quiet); }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.bar { width: 45%; } td.bar span { display: inline-block; height: .8em; min-width: 1px; }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1rem 0; }
figure { margin: 0; } figure img { width: 14rem; height: auto; display: block; }
img.pixels { image-rendering: pixelated; }
code { font-size: .9em; }
@media print {
  :root { color-scheme: light; --quiet: #444; --line: #ccc; --back: #fff; }
  body { margin: 0; max-width: none; } h2, table, figure, svg { break-inside: avoid; }
  td.bar span, svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""


def section(title: str, *content: str) -> str:
    """A heading and what stands under it."""
    return f"<section><h2>{escape(title)}</h2>{''.join(content)}</section>"


def paragraph(text: str) -> str:
    """Text in quiet grey."""
    return f"<p>{escape(text)}</p>"


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Name and value, one pair a row."""
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td><code>{escape(value)}</code></td></tr>'
        for name, value in rows
    )
    return f"<table><tbody>{body}</tbody></table>"


def bars(rows: Sequence[tuple[str, float, str, str]]) -> str:
    """Name, value, the value as it is read, and colour; bars are as long as the greatest allows.
    A value below zero is told by its sign, and its bar is pale."""
    longest = max((abs(value) for _, value, _, _ in rows), default=0.0) or 1.0
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="bar"><span style="width:'
        f"{100 * abs(value) / longest:.1f}%;background:{escape(colour, quote=True)};"
        f'opacity:{1 if value >= 0 else 0.4}"></span></td>'
        f'<td class="number">{escape(text)}</td></tr>'
        for name, value, text, colour in rows
    )
    return f"<table><tbody>{body}</tbody></table>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first column names the row; the others hold numbers."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f'<td class="number">{escape(cell)}</td>' for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def picture(image: Image.Image, *, alt: str, caption: str, pixels: bool = False) -> str:
    """An image inside the file itself; `pixels`: shown with hard edges, stored exactly."""
    buffer = io.BytesIO()
    kind = "PNG" if pixels else "JPEG"
    image.save(buffer, kind)
    data = base64.b64encode(buffer.getvalue()).decode()
    hard = ' class="pixels"' if pixels else ""
    return (
        f'<figure><img{hard} src="data:image/{kind.lower()};base64,{data}" '
        f'alt="{escape(alt, quote=True)}"><figcaption>{escape(caption)}</figcaption></figure>'
    )
