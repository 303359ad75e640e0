"""How much memory a visitor's session takes.

`python benchmarks/sessions.py [--sessions N] [--steps S] [--starts T] [--out FILE]` has N visitors
come in S steps, each with a photo of their own, and stay; after each step the server rests until
its garbage is collected. Prints JSON: resident memory after each step, and what one more session
takes, by a straight line through the steps, with a small photo and with one from a phone; one
figure a start of the server. Linux only.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from app.outside.serving import served
from app.outside.visitor import Visitor, widget_id
from app.server.garbage import EVERY_S
from hydranet.bench.rounds import Spread
from hydranet.machine import hardware, versions

PHOTOS = {"0.3 megapixels": (640, 480), "12 megapixels": (4000, 3000)}
NETWORK = "hydra_res_d1"


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=48)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    found: dict[str, list[list[float]]] = {kind: [] for kind in PHOTOS}
    for _ in range(given.starts):
        for kind, size in PHOTOS.items():
            found[kind].append(_grow(size, given.sessions, given.steps))
    each = given.sessions // given.steps
    report: dict[str, Any] = {
        "machine": hardware(),
        "versions": versions(),
        "sessions": given.sessions,
        "starts": given.starts,
        "photos": {
            kind: {
                "bytes": len(_photo(PHOTOS[kind], 0)),
                "resident_mb": runs,
                "mb_a_session": Spread.of([_slope(run, each) for run in runs]).to_json(),
            }
            for kind, runs in found.items()
        },
    }
    text = json.dumps(report, indent=1)
    if given.out:
        given.out.write_text(text + "\n")
    print(text)


def _grow(size: tuple[int, int], sessions: int, steps: int) -> list[float]:
    """Megabytes after each step; the first visitor, before the first step, loads the network."""
    with served() as at, ExitStack() as visits:
        memory = []
        for step in range(steps + 1):
            for number in range(sessions // steps if step else 1):
                visitor = visits.enter_context(Visitor(at.address, query=f"network={NETWORK}"))
                uploader = widget_id(visitor.tree, "file_uploader", "upload")
                visitor.upload(uploader, [("a.jpg", _photo(size, 1000 * step + number))])
                visitor.choose("slider", "k", 2)
            time.sleep(1.5 * EVERY_S)
            memory.append(_resident_mb(at.pid))
    return memory


def _photo(size: tuple[int, int], seed: int) -> bytes:
    small = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(small).resize(size).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1e3


def _slope(memory: list[float], each: int) -> float:
    places = each * np.arange(len(memory))
    return float(np.polyfit(places, memory, 1)[0])


if __name__ == "__main__":
    main()
