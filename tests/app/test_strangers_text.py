"""Names in strangers' files are text on every page, in every chart and in every file to keep."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from google.protobuf.message import Message
from PIL import Image
from streamlit.testing.v1 import AppTest

from app import services
from app.batch_table import as_csv as batch_csv
from app.datasets import of_checkpoint
from app.slice_files import as_csv as slice_csv
from app.spreadsheet import as_csv, harmless
from app.views.text import plain
from hydranet.bulk.rows import Row, Settings
from hydranet.checkpoints import find_checkpoint, list_checkpoints
from hydranet.checkpoints.card import DataNote, Provenance
from hydranet.specialisation import Slice

PAGES = Path(__file__).parents[2] / "app" / "page_scripts"
HARM = "<i>{0}</i><a href=//e.x>l</a>**b**$y$:smile:[l](http://e.x)`c`"
FORMULA = "=1+1|"
MARKDOWN = ("body", "label", "help", "caption", "text", "value")
"""Fields of Streamlit's messages that may be read as Markdown."""
RAW = re.compile(r"(?<!\\)\*\*b|(?<!\\)\$y|(?<!\\):smile|(?<!\\)\[l|(?<!\\)`c|http\\?:/|(?<!\\)<")
"""What of `HARM` would be acted upon in Markdown."""


def harm(number: int) -> str:
    return HARM.format(number)


def hostile_fields(branches: bool) -> dict[str, Any]:
    return {
        "class_names": tuple(f"{FORMULA}{harm(i)}" for i in range(8)),
        "data": DataNote(
            name=harm(10), train_images=80, validation_images=16, test_images=24,
            train_sha256=harm(11), test_sha256="1" * 64,
        ),
        "provenance": Provenance(
            created=harm(12), hardware=harm(13), threads=1, versions={harm(14): harm(15)},
            seconds=2.0,
        ),
    }  # fmt: skip


@pytest.fixture
def hostile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_checkpoint: Callable[..., Path]
) -> Path:
    """A HydraNet and a static network whose cards are full of harm."""
    for name, model in (("hydra_*a*", "hydra_res_d1"), ("static_*b*", "resnet8")):
        make_checkpoint(name, tmp_path, model=model, **hostile_fields(model != "resnet8"))
    monkeypatch.setattr(services, "list_checkpoints", lambda: list_checkpoints(tmp_path))
    return tmp_path


def texts(message: Message, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a message, with the name of its field."""
    for field, value in message.ListFields():
        many = value if field.is_repeated else [value]
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            continue
        for one in many:
            if isinstance(one, Message):
                yield from texts(one, field.name)
            elif isinstance(one, str):
                yield field.name, one


def elements(block: Any) -> Iterator[Any]:
    for child in getattr(block, "children", {}).values():
        yield child
        yield from elements(child)


def check(page: AppTest) -> str:
    """That nothing on the page would be acted upon; everything that it says, as text."""
    assert not page.exception
    said = []
    for element in elements(page._tree):
        proto = getattr(element, "proto", None)
        if proto is None:
            continue
        if element.type == "plotly_chart":
            for text in strings(json.loads(proto.spec)):
                said.append(text)
                assert "<i>" not in text, text
                assert "<a " not in text, text
            continue
        assert not getattr(proto, "allow_html", False)
        for field, text in texts(proto):
            said.append(text)
            if field in MARKDOWN and element.type not in ("code", "selectbox", "multiselect"):
                assert not RAW.search(text), (element.type, field, text)
    return "\n".join(said)


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = [*value.values()]
    if isinstance(value, list):
        for one in value:
            yield from strings(one)
    elif isinstance(value, str):
        yield value


SECTIONS = [
    *(("inspect", "view", one) for one in ("Parts", "Routes", "Why", "How firm",
                                           "Second network", "Keep")),
    *(("compare", "section", one) for one in ("Equal accuracy", "Side by side", "Training runs")),
    ("batch", "", ""),
]  # fmt: skip
SPECIALISE = ("Branches", "Gate", "Answers", "Confusion", "Subtasks", "Images")


def opened(page: str, **address: str) -> AppTest:
    test = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=120)
    for key, value in address.items():
        test.query_params[key] = value
    return test.run()


@pytest.mark.parametrize(("page", "key", "section"), SECTIONS)
def test_names_on_a_card_are_text(hostile: Path, page: str, key: str, section: str) -> None:
    said = check(opened(page, **({key: section} if key else {})))
    if page in ("inspect", "batch"):
        assert "e.x" in said  # the names are there


def test_names_on_a_card_are_text_on_specialise(hostile: Path) -> None:
    page = opened("specialise")
    control = page.segmented_control[0]
    for section in control.options:
        said = check(page.segmented_control[0].set_value(section).run())
    assert "e.x" in said


def test_the_name_of_a_file_is_text(hostile: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    for page in ("inspect", "batch"):
        test = opened(page)
        field = next(f for f in test.file_uploader if "upload" in f.key)
        files = ((harm(1), buffer.getvalue()), (harm(2), b"no"))
        field.set_value([(f"{name}.png", content, "image/png") for name, content in files])
        said = check(test.run())
        assert "e.x" in said or "e\\.x" in said


def test_the_name_of_an_own_network_is_text(hostile: Path, tmp_path: Path) -> None:
    folder = tmp_path / "hydra_*a*"
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"name": harm(1)}))
    files = [(path.name, path.read_bytes()) for path in folder.iterdir()]
    page = opened("inspect")
    field = next(f for f in page.file_uploader if f.key.startswith("own_network"))
    field.set_value([(name, content, "application/octet-stream") for name, content in files])
    check(page.run())
    assert "yours" in page.selectbox(key="network").value
    assert len(page.session_state["own_networks"]) == 1


@pytest.mark.parametrize("text", [harm(0), "www.e.x", "a@e.x", "# a", "> a", "- a", "1. a", "a\\"])
def test_plain_text_is_escaped(text: str) -> None:
    found = plain(text)
    assert not RAW.search(found)
    assert not re.search(r"(?<!\\)[\\`*_\[\]<>#$:&](?![\\`*_{}\[\]()<>#+\-.!|~$:&=^])", found)
    assert not re.search(r"://|www\\?\.|@\w", found)
    assert re.sub(r"\\(.)", r"\1", found).replace("\u2060", "") == text


def cells(content: bytes) -> list[str]:
    return [cell for row in csv.reader(io.StringIO(content.decode())) for cell in row]


def runs(cell: str) -> bool:
    """Whether a spreadsheet would take a cell for a formula; a number it may."""
    try:
        float(cell)
    except ValueError:
        return cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    return False


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_a_file_is_a_formula(start: str) -> None:
    evil = f"{start}1+1|' /C calc'!A0"
    assert runs(evil)
    assert not runs(harmless(evil))
    assert harmless("a\r=1\n=2") == "a =1 =2"
    table = pd.DataFrame({evil: [evil, "fine", f"fine\r\n{evil}"], "n": [-1.5, 2.0, 1.0]})
    assert not any(runs(cell) for cell in cells(as_csv(table)))


def test_no_cell_of_the_pages_files_is_a_formula(hostile: Path) -> None:
    checkpoint = find_checkpoint("hydra_*a*", hostile)
    data = of_checkpoint(checkpoint)
    rows = [Row(index=0, file="=cmd.png", reason="@no")]
    for content in (
        slice_csv(data, Slice()),
        batch_csv(rows, checkpoint.card, Settings(k=2)),
    ):
        found = cells(content)
        assert len(found) > 10
        assert not any(runs(cell) for cell in found)
