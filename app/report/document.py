"""A record as one HTML file that needs nothing else: no network, no script.

Bars are table rows and the network is a still SVG. Plotly inside the file would make it 4.5 MB,
most of it JavaScript, and a picture of a Plotly figure needs a browser on the server; this one is
some 50 kB, and its own policy forbids it to run or to fetch anything, whatever a class is called.
"""

from __future__ import annotations

from html import escape

from PIL import Image

from app.charts.palette import ACCENT, QUIET, branch_colour
from app.inspection import Inspection
from app.report.figures import macs_by_part
from app.report.network_svg import network_svg
from app.report.parts import STYLE, bars, facts, paragraph, picture, section, table
from app.report.record import Record
from app.words.engines import engine_words

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_SHOWN = 512


def document(record: Record) -> bytes:
    """The whole file, UTF-8."""
    inspection = record.inspection
    best, probability = inspection.found.top(1)[0]
    title = f"{inspection.class_name(best)}, {100 * probability:.0f} %"
    sections = [
        _answer(record),
        section("Network and route", network_svg(inspection), paragraph(_route_text(inspection))),
        *_branches(inspection),
        _cost(inspection),
        _origin(record),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>"
        f"<h1>{escape(title)}</h1>"
        f"{paragraph(f'{inspection.checkpoint.name} on {inspection.intake.name}')}"
        f'<div class="pictures">{_pictures(inspection)}</div>'
        f"{''.join(sections)}</main></body></html>"
    ).encode()


def _pictures(inspection: Inspection) -> str:
    came = inspection.intake.image.copy()
    came.thumbnail((_SHOWN, _SHOWN))
    side, name = inspection.pixels.shape[0], inspection.intake.name
    seen = f"as the network sees it, {side}×{side}"
    return picture(came, alt=f"The image {name}", caption="as it came") + picture(
        Image.fromarray(inspection.pixels), alt=f"The image {name}, {seen}", caption=seen,
        pixels=True,
    )  # fmt: skip


def _answer(record: Record) -> str:
    inspection, sure = record.inspection, record.certainty
    top = inspection.found.top(5)
    rows = [
        (inspection.class_name(c), p, f"{100 * p:.1f} %", QUIET if place else ACCENT)
        for place, (c, p) in enumerate(top)
    ]
    asked, best = inspection.class_in_question, inspection.class_name(top[0][0])
    said = [
        f"Class in question: {inspection.class_name(asked)}, "
        f"{100 * float(inspection.found.probabilities[asked]):.2f} %."
    ]
    if sure is not None:
        said.insert(
            0,
            f"On the {sure.compared} test images where it was about as sure of its answer as of "
            f"{best} here, the network was{inspection.otherwise} right in "
            f"{sure.right_when_so:.0f} %.",
        )
    return section("Answer", bars(rows), *map(paragraph, said))


def _route_text(inspection: Inspection) -> str:
    board = inspection.board
    if board is None:
        return "A static network: every image runs all of it."
    switched = "".join(
        f" Switched {name}: {', '.join(map(str, sorted(branches)))}."
        for name, branches in (("on", board.on), ("off", board.off))
        if branches
    )
    fired = ", ".join(map(str, inspection.found.fired))
    policy = inspection.card.policy
    dynamic = f", dynamic k from {100 * board.threshold:g} %" if board.threshold else ""
    if policy.in_a_row:
        dynamic = f", on while {100 * board.threshold:g} % doubt is left" if board.threshold else ""
        return f"k = {board.k}{dynamic}.{switched} {policy.branches.capitalize()} asked: {fired}."
    return f"k = {board.k}{dynamic}.{switched} Fired, best-scored first: {fired}."


def _branches(inspection: Inspection) -> list[str]:
    """What each fired branch adds, and the gate's score of every branch."""
    found = inspection.found
    if not found.fired:
        return []
    asked, rival = inspection.class_in_question, inspection.rival
    one = found.policy.branch
    if not len(found.shares):
        return []
    shares = table(
        ("", "weight", f"adds to {inspection.class_name(asked)}",
         f"adds to {inspection.class_name(rival)}"),
        [
            (f"{one} {b}", f"{weight:.3f}", f"{row[asked]:+.3f}", f"{row[rival]:+.3f}")
            for b, weight, row in zip(found.fired, found.weights, found.shares, strict=True)
        ],
    )  # fmt: skip
    exact = paragraph("In logits, exact: with the combiner's bias they sum to the logit.")
    content = [section(f"What each fired {one} adds", shares, exact)]
    if inspection.card.architecture.has_gate:
        rows = [
            (f"{one} {b}", float(score), f"{score:.2f}", branch_colour(b))
            if b in found.fired
            else (f"{one} {b}", float(score), f"{score:.2f}", QUIET)
            for b, score in enumerate(found.gate_scores)
        ]
        grey = paragraph("In logits; grey did not fire, pale is below zero.")
        content.append(section(f"The {found.policy.gate}'s score of every {one}", bars(rows), grey))
    return content


def _cost(inspection: Inspection) -> str:
    timing = inspection.timing
    rows = [
        (part, float(macs), f"{macs:,} MACs", QUIET if part == "not run" else ACCENT)
        for part, macs in macs_by_part(inspection).items()
    ]
    return section(
        f"Cost: {inspection.found.macs:,} MACs",
        bars(rows),
        paragraph(
            f"Time: {timing.median:.2f} ms, median of {timing.runs} runs, "
            f"{engine_words(inspection.engine)}, one thread "
            f"({timing.fastest:.2f} to {timing.slowest:.2f} ms)."
        ),
    )


def _origin(record: Record) -> str:
    inspection = record.inspection
    return section(
        "Where it comes from",
        facts(
            [
                ("Checkpoint", inspection.checkpoint.name),
                ("SHA-256 of the weights", inspection.card.weights_sha256),
                ("Image", inspection.intake.name),
                ("SHA-256 of the image file", inspection.intake.sha256),
                ("Address", record.address),
                ("Date", record.created),
                ("Hardware", record.hardware),
                ("Versions", ", ".join(f"{k} {v}" for k, v in record.versions.items())),
            ]
        ),
        paragraph(f"Of the address: {record.shows}"),
    )
