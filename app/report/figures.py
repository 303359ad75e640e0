"""The figures of a record as they were computed, nothing rounded: JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from app.inspection import Inspection
from app.report.record import Record
from app.spreadsheet import harmless

FORMAT = 1
COLUMNS = ("figure", "branch", "class_index", "class", "value", "unit")

_Row = tuple[str, int | None, int | None, float | int, str]
"""Figure, branch, class, value, unit."""


def figures(record: Record) -> dict[str, Any]:
    """Everything as JSON values. Single-precision figures read back as the same."""
    inspection = record.inspection
    card, found, board = inspection.card, inspection.found, inspection.board
    question = inspection.class_in_question
    return {
        "format": FORMAT,
        "created": record.created,
        "address": record.address,
        "checkpoint": {"name": inspection.checkpoint.name, "weights_sha256": card.weights_sha256},
        "image": {
            "name": inspection.intake.name,
            "sha256": inspection.intake.sha256,
            "seen_size": inspection.pixels.shape[0],
        },
        "settings": board
        and {
            "k": board.k,
            "threshold": board.threshold,
            "on": sorted(board.on),
            "off": sorted(board.off),
        },
        "class_in_question": {"index": question, "name": card.class_names[question]},
        "class_names": list(card.class_names),
        "logits": found.logits.tolist(),
        "probabilities": found.probabilities.tolist(),
        "gate_scores": found.gate_scores.tolist(),
        "gate_confidence": found.gate_confidence.tolist(),
        "fired": list(found.fired),
        "weights": list(found.weights),
        "shares": found.shares.tolist(),
        "macs": found.macs,
        "macs_by_part": macs_by_part(inspection),
        "engine": inspection.engine,
        "milliseconds": asdict(inspection.timing),
        "certainty": None if record.certainty is None else asdict(record.certainty),
        "hardware": record.hardware,
        "versions": record.versions,
    }


def macs_by_part(inspection: Inspection) -> dict[str, int]:
    """MACs of each part that ran, and of what did not run."""
    costs, found = inspection.card.costs, inspection.found
    if not costs.num_branches:
        return {"whole network": found.macs}
    policy = inspection.card.policy
    parts = {"stem": costs.stem.macs, policy.gate or "gate": costs.gate.macs}
    each = zip(found.fired, found.branch_macs, strict=True)
    parts |= {f"{policy.branch} {b}": macs for b, macs in each}
    return {
        **parts,
        policy.combiner: costs.combiner.macs,
        "not run": costs.all_branches_macs - found.macs,
    }


def as_json(record: Record) -> bytes:
    """UTF-8, two spaces."""
    return json.dumps(figures(record), indent=2, ensure_ascii=False).encode()


def as_csv(record: Record) -> bytes:
    """One figure a row, UTF-8; class names that a spreadsheet would run start with '."""
    names = record.inspection.card.class_names
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(COLUMNS)
    for figure, branch, index, value, unit in _rows(record.inspection):
        name = "" if index is None else harmless(names[index])
        cells = ("" if at is None else at for at in (branch, index))
        table.writerow([figure, *cells, name, repr(value), unit])
    return buffer.getvalue().encode()


def _rows(inspection: Inspection) -> Iterator[_Row]:
    found, timing = inspection.found, inspection.timing
    for c, logit in enumerate(found.logits.tolist()):
        yield "logit", None, c, logit, ""
    for c, probability in enumerate(found.probabilities.tolist()):
        yield "probability", None, c, probability, ""
    for b, score in enumerate(found.gate_scores.tolist()):
        yield "gate score", b, None, score, "logit"
    for b, confidence in enumerate(found.gate_confidence.tolist()):
        yield "gate confidence", b, None, confidence, ""
    for b, weight in zip(found.fired, found.weights, strict=True):
        yield "weight", b, None, weight, ""
    for b, shares in zip(found.fired, found.shares.tolist(), strict=True):
        for c, share in enumerate(shares):
            yield "share", b, c, share, "logit"
    for part, macs in macs_by_part(inspection).items():
        yield f"MACs, {part}", None, None, macs, "MACs"
    yield "MACs spent", None, None, found.macs, "MACs"
    for name in ("median", "fastest", "slowest"):
        yield f"time, {name} of {timing.runs}", None, None, getattr(timing, name), "ms"
