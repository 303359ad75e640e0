"""A report stands alone, holds the figures and shows hostile names as text; figures read back."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from app import services
from app.certainty import Certainty
from app.inspection import Inspection, inspect
from app.intake import take_sample
from app.report.document import document
from app.report.figures import as_csv, as_json
from app.report.network_svg import network_svg
from app.report.parts import STYLE
from app.report.record import Record, record
from hydranet.checkpoints import CHECKPOINTS, list_checkpoints
from hydranet.routing.switchboard import Switchboard

ADDRESS = "http://localhost:8501/?k=3&on=7"
LOADS = {"src", "srcset", "data", "poster", "action", "background", "xlink:href"}
HOSTILE = "<script>alert(1)</script>\"'=1+1"


@pytest.fixture(scope="module", params=["hydra_res_d1", "resnet14"])
def inspection(request: pytest.FixtureRequest) -> Inspection:
    good, _ = list_checkpoints(CHECKPOINTS)
    checkpoint = next(c for c in good if c.name == request.param)
    dynamic = checkpoint.card.costs.num_branches
    board = Switchboard(k=3, on=frozenset({7}), off=frozenset({2})) if dynamic else None
    return inspect(checkpoint, take_sample("cat"), board)


@pytest.fixture
def kept(inspection: Inspection) -> Record:
    return record(
        inspection,
        ADDRESS,
        "Whoever opens it sees the same.",
        services.route_log(inspection.checkpoint),
    )


class Reader(HTMLParser):
    """Tags with their attributes, and all text."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile(kept: Record) -> Record:
    """The same with names from an enemy's files."""
    inspection = kept.inspection
    card = inspection.card
    names = (HOSTILE, *card.class_names[1:])
    checkpoint = replace(inspection.checkpoint, card=replace(card, class_names=names))
    logits = inspection.found.logits.copy()
    logits[0] = 100
    return replace(
        kept,
        address=f"http://localhost/?{HOSTILE}",
        inspection=replace(
            inspection,
            checkpoint=checkpoint,
            intake=replace(inspection.intake, name=HOSTILE),
            found=replace(inspection.found, logits=logits),
        ),
    )


def test_the_report_loads_nothing_and_runs_nothing(kept: Record) -> None:
    content = document(kept)
    assert len(content) < 300_000
    reader = Reader(content)
    assert "script" not in {tag for tag, _ in reader.tags}
    for tag, attributes in reader.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        for name in LOADS & set(attributes):
            assert (attributes[name] or "").startswith("data:"), (tag, name)
    assert not re.search(rb"url\(|@import", content)
    policy = next(a["content"] for t, a in reader.tags if a.get("http-equiv"))
    assert policy
    assert policy.startswith("default-src 'none'")


def test_the_report_holds_the_figures_and_where_they_come_from(kept: Record) -> None:
    inspection = kept.inspection
    found = inspection.found
    text = Reader(document(kept)).text
    for c, probability in found.top(5):
        assert inspection.class_name(c) in text
        assert f"{100 * probability:.1f} %" in text
    assert f"{found.macs:,} MACs" in text
    for known in (
        inspection.card.weights_sha256, inspection.intake.sha256, ADDRESS, kept.hardware,
        kept.created, f"torch {kept.versions['torch']}",
    ):  # fmt: skip
        assert known in text
    for b, weight in zip(found.fired, found.weights, strict=True):
        assert f"branch {b}" in text
        assert f"{weight:.3f}" in text
    for score in found.gate_scores:
        assert f"{score:.2f}" in text


def test_how_sure_is_said_of_the_answer_and_of_the_settings_it_was_measured_with(
    kept: Record,
) -> None:
    inspection = kept.inspection
    text = Reader(document(kept)).text
    best = inspection.class_name(inspection.found.top(1)[0][0])
    assert text.index(f"about as sure of its answer as of {best} here") < text.index("Class in")
    assert ("with its own settings instead of these" in text) == (inspection.board is not None)
    assert f"Of the address: {kept.shows}" in text


def test_every_picture_in_the_report_says_what_it_shows(kept: Record) -> None:
    for tag, attributes in Reader(document(kept)).tags:
        if tag == "img":
            assert attributes["alt"]
        if tag == "svg":
            assert attributes["role"] == "img"
            assert attributes["aria-label"]


def test_no_line_runs_through_a_weight_and_names_stand_off_from_lines() -> None:
    good, _ = list_checkpoints(CHECKPOINTS)
    checkpoint = next(c for c in good if c.name == "hydra_res_d1")
    inspection = inspect(checkpoint, take_sample("cat"), Switchboard(k=20))
    drawing = ElementTree.fromstring(network_svg(inspection))
    lines = [
        np.linspace((float(a["x1"]), float(a["y1"])), (float(a["x2"]), float(a["y2"])), 500)
        for a in (line.attrib for line in drawing.iter("line"))
    ]
    texts = {float(text.attrib["y"]): text for text in drawing.iter("text") if "%" in text.text}
    assert len(texts) == 20
    for y, text in texts.items():
        reach = 3.6 * len(text.text), 6
        middle = float(text.attrib["x"]), y - 4
        assert not any((np.abs(line - middle) < reach).all(axis=1).any() for line in lines)
    on_page = [text for text in drawing.iter("text") if text.attrib["fill"] == "currentColor"]
    assert {"gate", "combiner"} < {text.text for text in on_page}
    for text in on_page:
        assert text.attrib["paint-order"] == "stroke"
        assert text.attrib["stroke"] == "var(--back)"
    assert "--back:" in STYLE


def test_hostile_names_are_text(kept: Record) -> None:
    reader = Reader(document(hostile(kept)))
    assert "script" not in {tag for tag, _ in reader.tags}
    assert HOSTILE.replace("_", " ") in reader.text
    assert not any(name.startswith("on") for _, attributes in reader.tags for name in attributes)


def test_json_reads_back_as_the_answer(kept: Record) -> None:
    found = kept.inspection.found
    read = json.loads(as_json(kept))
    for name in ("logits", "probabilities", "gate_scores", "gate_confidence", "shares"):
        array = getattr(found, name)
        assert np.array_equal(np.asarray(read[name], np.float32).reshape(array.shape), array)
    assert tuple(read["fired"]) == found.fired
    assert tuple(read["weights"]) == found.weights
    assert read["macs"] == found.macs
    spent = sum(macs for part, macs in read["macs_by_part"].items() if part != "not run")
    assert spent == found.macs
    assert read["class_names"] == list(kept.inspection.card.class_names)
    assert read["address"] == ADDRESS
    assert Certainty(**read["certainty"]) == kept.certainty
    if kept.inspection.board:
        assert read["settings"] == {"k": 3, "threshold": 0.0, "on": [7], "off": [2]}


def test_csv_reads_back_as_the_answer(kept: Record) -> None:
    found = kept.inspection.found
    rows = list(csv.DictReader(io.StringIO(as_csv(kept).decode())))

    def values(figure: str) -> list[float]:
        return [float(row["value"]) for row in rows if row["figure"] == figure]

    for figure, array in (
        ("logit", found.logits), ("probability", found.probabilities),
        ("gate score", found.gate_scores), ("gate confidence", found.gate_confidence),
        ("share", found.shares.ravel()),
    ):  # fmt: skip
        assert np.array_equal(np.asarray(values(figure), np.float32), array), figure
    assert tuple(values("weight")) == found.weights
    assert [int(r["branch"]) for r in rows if r["figure"] == "weight"] == list(found.fired)
    assert values("MACs spent") == [found.macs]


def test_csv_runs_no_formula(kept: Record) -> None:
    enemy = hostile(kept)
    card = enemy.inspection.card
    checkpoint = replace(
        enemy.inspection.checkpoint,
        card=replace(card, class_names=("=cmd()", *card.class_names[1:])),
    )
    enemy = replace(enemy, inspection=replace(enemy.inspection, checkpoint=checkpoint))
    for row in csv.reader(io.StringIO(as_csv(enemy).decode())):
        assert not row[3].startswith("=")
    assert "'=cmd()" in as_csv(enemy).decode()
