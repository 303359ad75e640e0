"""How long a page takes to open with the whole zoo: on the server, and until it is drawn.

`python benchmarks/pages.py [--rounds N] [--checkpoints N] [--only NAME …] [--out FILE]` serves
copies of the shipped checkpoints under other names, so many that they are N together (30 unless
told), and opens every page and every section in a real browser on the same machine, at 1280×800.
Prints JSON, times in milliseconds as median, least and most over the rounds:

- `server_ms`: one run of the page's script, as the server itself logs it (a line `page run`);
- `answered_ms`: from the click until the last message of that run has come to the browser;
- `drawn_ms`: from the click until the last change of what is seen, which a second without any
  change follows: everything is there, every chart with its marks, and nothing moves any more;
- `address_ms`: the same from opening the page's address in a browser that has been there before;
- `kb`, `largest_figure_kb`: of all messages of the run, and of the largest figure in them.

Each round is a visitor of its own, who comes from another page, or section, and so gets everything
anew; the server has been asked for all of it before. Needs Chromium. Nothing else should run
meanwhile.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, WebSocket, sync_playwright
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from app.outside.looking import PATIENCE_MS, wait_until_drawn, watch
from app.outside.serving import CHROMIUM_FLAGS, find_chromium, served
from app.views.compare import keys
from app.views.inspect.sections import SECTIONS as INSPECT_SECTIONS
from app.views.specialise.sections import SECTIONS as DATA_SECTIONS
from hydranet.bench.rounds import Spread
from hydranet.checkpoints import CARD, CHECKPOINTS
from hydranet.machine import hardware, versions


@dataclass(frozen=True)
class Opening:
    """Something that opens by a click: the page and the section in its address, the section that
    the visitor comes from (None: from another page), and both their names."""

    name: str
    path: str
    link: str
    section: str | None = None
    key: str = ""
    before: str | None = None

    @property
    def address(self) -> str:
        """Of what is opened."""
        return self.path + (f"?{urlencode({self.key: self.section})}" if self.section else "")

    @property
    def from_address(self) -> str:
        """Where the visitor is before."""
        if self.section is None:
            return "/batch" if self.path == "/" else "/"
        return f"{self.path}?{urlencode({self.key: self.before})}"


def openings() -> list[Opening]:
    """Every page, then every section, each from the one before it."""
    found = [
        Opening("Inspect", "/", "Inspect"), Opening("Compare", "/compare", "Compare"),
        Opening("Specialise", "/specialise", "Specialise"), Opening("Batch", "/batch", "Batch"),
    ]  # fmt: skip
    for path, page, key, sections in (
        ("/", "Inspect", "view", list(INSPECT_SECTIONS)),
        ("/compare", "Compare", keys.SECTION, list(keys.SECTIONS)),
        ("/specialise", "Specialise", "show", list(DATA_SECTIONS)),
    ):
        found += [
            Opening(f"{page}, {section}", path, page, section, key, sections[number - 1])
            for number, section in enumerate(sections)
        ]
    return found


@dataclass
class Found:
    """What was measured of one opening, a value a round."""

    server_ms: list[float] = field(default_factory=list)
    answered_ms: list[float] = field(default_factory=list)
    drawn_ms: list[float] = field(default_factory=list)
    address_ms: list[float] = field(default_factory=list)
    kb: list[float] = field(default_factory=list)
    largest_figure_kb: list[float] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Spreads of the times; sizes hardly differ."""
        found: dict[str, Any] = {
            name: {key: round(value, 1) for key, value in Spread.of(values).to_json().items()}
            for name, values in vars(self).items() if name.endswith("_ms") and values
        }  # fmt: skip
        return found | {"kb": max(self.kb), "largest_figure_kb": max(self.largest_figure_kb)}


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--checkpoints", type=int, default=30)
    parser.add_argument("--only", nargs="+", help='such as Compare "Specialise, Gate"')
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    chosen = [one for one in openings() if given.only is None or one.name in given.only]
    if not chosen:
        sys.exit(f"--only takes names of: {'; '.join(one.name for one in openings())}.")
    found = {one.name: Found() for one in chosen}
    with zoo(given.checkpoints) as (address, log), browser() as chromium:
        for one in chosen:  # not counted: the server is asked for everything once
            _open(chromium, address, log, one, Found())
        for _ in range(given.rounds):
            for one in chosen:
                _open(chromium, address, log, one, found[one.name])
    report = {
        "machine": hardware(), "versions": versions(), "rounds": given.rounds,
        "checkpoints": given.checkpoints,
        "openings": {name: one.to_json() for name, one in found.items()},
    }  # fmt: skip
    text = json.dumps(report, ensure_ascii=False, indent=1)
    print(text)
    if given.out:
        given.out.write_text(text + "\n")


@contextmanager
def zoo(count: int) -> Iterator[tuple[str, Path]]:
    """The address of a dashboard on so many checkpoints, and the file that its log goes to."""
    shipped = sorted(path.parent for path in CHECKPOINTS.glob(f"*/{CARD}"))
    with tempfile.TemporaryDirectory() as folder:
        root, log = Path(folder) / "checkpoints", Path(folder) / "log"
        for number in range(count):
            original = shipped[number % len(shipped)]
            turn = number // len(shipped)
            name = original.name + (f"_{turn + 1}" if turn else "")
            shutil.copytree(original, root / name)
            card = json.loads((root / name / CARD).read_text())
            (root / name / CARD).write_text(json.dumps(card | {"name": name}))
        with served(environment={"HYDRANET_CHECKPOINTS": str(root)}, log=log) as dashboard:
            yield dashboard.address, log


@contextmanager
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    path = find_chromium()
    if path is None:
        sys.exit("This benchmark needs Chromium, which is not installed.")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


def _open(chromium: Browser, address: str, log: Path, one: Opening, found: Found) -> None:
    """One visitor: what is opened by a click, and then by its address."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    watch(context)
    page = context.new_page()
    messages: list[bytes] = []
    page.on("websocket", lambda socket: _listen(socket, messages))
    page.goto(address + one.from_address)
    wait_until_drawn(page)
    messages.clear()
    start = log.stat().st_size
    _target(page, one)()
    wait_until_drawn(page)
    asked, came, changed = page.evaluate("() => [seen.asked, seen.came, seen.changed]")
    found.server_ms.append(_run_ms(log, start))
    found.answered_ms.append(came - asked)
    found.drawn_ms.append(changed - asked)
    found.kb.append(round(sum(map(len, messages)) / 1000, 1))
    found.largest_figure_kb.append(round(max(map(_figure_bytes, messages), default=0) / 1000, 1))
    page.goto(address + one.address)
    wait_until_drawn(page)
    found.address_ms.append(page.evaluate("() => seen.changed"))
    context.close()


def _listen(socket: WebSocket, messages: list[bytes]) -> None:
    def came(payload: str | bytes) -> None:
        if isinstance(payload, bytes):
            messages.append(payload)

    socket.on("framereceived", came)


def _target(page: Page, one: Opening) -> Callable[[], None]:
    """What the visitor clicks."""
    if one.section is None:
        return page.get_by_test_id("stTopNavLink").filter(has_text=one.link).click
    buttons = page.get_by_test_id("stButtonGroup").get_by_role(
        "radio", name=one.section, exact=True
    )
    return buttons.last.click


def _run_ms(log: Path, start: int) -> float:
    """What the server says of all runs of a page since its log was so long."""
    lines = [json.loads(line) for line in log.read_bytes()[start:].splitlines()]
    return sum(float(line["took_ms"]) for line in lines if line["message"] == "page run")


def _figure_bytes(message: bytes) -> int:
    """Of the figure in a message, 0 where there is none."""
    return len(ForwardMsg.FromString(message).delta.new_element.plotly_chart.spec)


if __name__ == "__main__":
    main()
