"""How long an image takes from the bytes of its file to the pixels that a network sees.

`python benchmarks/decoding.py [--rounds N] [--out FILE]` takes the sample photos as JPEG in three
widths and 32 × 32 pixels of each as PNG, in turns. Prints JSON: bytes of the file, and milliseconds
of one core's time for an image as median, least and most over the rounds; what other processes take
meanwhile is not in it.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from app.intake import SAMPLES
from hydranet.bench.rounds import Spread
from hydranet.data.resize import fit_square
from hydranet.intake.images import decode_image
from hydranet.machine import hardware, versions

WIDTHS = (64, 224, 500)
SIDES = (32, 224)
QUALITY = 90
REPEATS = 5


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    photos = [Image.open(path).convert("RGB") for path in sorted(SAMPLES.glob("*.jpg"))]
    sets = {("PNG", 32): [_encoded(photo, 32, "PNG") for photo in photos]}
    for width in WIDTHS:
        sets["JPEG", width] = [_encoded(photo, width, "JPEG") for photo in photos]
    keys = [(*key, side) for key in sets for side in SIDES]
    jobs = [partial(_see, sets[kind, width], side) for kind, width, side in keys]
    times: list[list[float]] = [[] for _ in jobs]
    for number in range(given.rounds + 1):
        for place in sorted(range(len(jobs)), reverse=bool(number % 2)):
            times[place].append(_core_ms(jobs[place]))
    report: dict[str, Any] = {
        "machine": hardware(),
        "versions": versions(),
        "threads": 1,
        "rounds": given.rounds,
        "images": f"{len(photos)} sample photos, JPEG of quality {QUALITY}",
        "runs": [
            {
                "format": kind,
                "width": width,
                "bytes": round(statistics.mean(map(len, sets[kind, width]))),
                "side": side,
                "core_ms_per_image": Spread.of([ms / len(photos) for ms in found[1:]]).to_json(),
            }
            for (kind, width, side), found in zip(keys, times, strict=True)
        ],
    }
    text = json.dumps(report, indent=1)
    if given.out:
        given.out.write_text(text + "\n")
    print(text)


def _core_ms(job: Callable[[], None]) -> float:
    began = time.thread_time()
    for _ in range(REPEATS):
        job()
    return 1000 * (time.thread_time() - began) / REPEATS


def _encoded(photo: Image.Image, width: int, kind: str) -> bytes:
    height = width if kind == "PNG" else max(1, round(width * photo.height / photo.width))
    buffer = io.BytesIO()
    photo.resize((width, height), Image.Resampling.LANCZOS).save(buffer, kind, quality=QUALITY)
    return buffer.getvalue()


def _see(files: list[bytes], side: int) -> None:
    for content in files:
        fit_square(decode_image(content, name=""), side)


if __name__ == "__main__":
    main()
