"""Pictures that mean harm, made by code: work asked for again and again, and as much as is allowed.

Run as a program it decodes one after the other and prints how far each lets the memory of the
process rise, in bytes: Linux counts that, so the test of it needs Linux.
"""

from __future__ import annotations

import json
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pictures import SCENE, chunk, encoded, linear_profile, png, profile
from PIL import Image

from hydranet.intake.images import MAX_PIXELS, decode_image

JPEG = encoded(SCENE, "JPEG")
PROGRESSIVE = encoded(SCENE, "JPEG", progressive=True)
MANY = 200_000


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def in_jpeg(more: bytes) -> bytes:
    """Segments put before all others."""
    return JPEG[:2] + more + JPEG[2:]


def in_png(more: bytes) -> bytes:
    """Chunks put before the pixels."""
    content = encoded(SCENE)
    return content[:33] + more + content[33:]


def in_webp(more: bytes) -> bytes:
    content = encoded(SCENE, "WEBP", exif=b"Exif\0\0") + more
    return content[:4] + struct.pack("<I", len(content) - 8) + content[8:]


def of_one(signature: bytes, element: bytes, stages: int) -> bytes:
    """A pipeline of so many stages, all of them the same bytes of the file (ICC.2, `mpet`)."""
    at = 16 + 8 * stages
    head = signature + struct.pack(">4xHHI", 3, 3, stages)
    return head + struct.pack(">II", at, len(element)) * stages + element


def with_stages() -> bytes:
    """A colour profile that took 45 s: 60,000 matrices for every pixel."""
    matrix = struct.pack(">4s4xHH12f", b"matf", 3, 3, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0)
    tags = {b"D2B0": of_one(b"mpet", matrix, 60_000)}
    return profile(tags, pcs=b"Lab ")


LAST_SCAN = PROGRESSIVE[PROGRESSIVE.rindex(b"\xff\xda") : -2]
PACKED = chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(1000)))
REPEATED: dict[str, bytes] = {
    "profiles in a PNG": in_png(PACKED * 17),
    "texts in a PNG": in_png(chunk(b"tEXt", b"a\0") * 300),
    "empty data in a PNG": in_png(chunk(b"IDAT", b"") * MANY),
    "frames in a PNG": in_png(chunk(b"fdAT", bytes(4)) * MANY),
    "chunks in a WebP": in_webp(b"abcd\0\0\0\0" * MANY),
    "scans of a JPEG": PROGRESSIVE[:-2] + LAST_SCAN * 50 + PROGRESSIVE[-2:],
    "tables in the scans of a JPEG": JPEG[:-2] + b"\xff\xc4\0\2" * MANY + JPEG[-2:],
    "comments in a JPEG": in_jpeg(segment(0xFE, b"") * MANY),
    "tables in a JPEG": in_jpeg(segment(0xDB, b"\0" + b"\1" * 64) * 300),
    "profiles in a JPEG": in_jpeg(segment(0xE2, b"ICC_PROFILE\0\1\xff") * 300),
    "EXIF in a JPEG": in_jpeg(segment(0xE1, b"Exif\0\0") * 17),
}
"""What is refused because no program writes it so often."""

IGNORED: dict[str, bytes] = {
    "bytes between the segments": in_jpeg(b"\xff" * 10**6),
    "notes of an image editor": in_jpeg(
        segment(0xED, b"Photoshop 3.0\0" + b"8BIM\0\1\0\0\0\0\0\0" * 5000) * 200
    ),
    "scans behind the picture": PROGRESSIVE + b"\xff\xda" * 500,
    "stages in a profile": encoded(SCENE, icc_profile=with_stages()),
    "a profile beyond the limit": encoded(
        SCENE, "WEBP", icc_profile=linear_profile() + bytes(5 * 2**20)
    ),
    "EXIF beyond the limit": encoded(SCENE, "WEBP", exif=b"Exif\0\0II*\0" + bytes(2 * 2**20)),
}
"""What takes no time, and changes nothing of the picture."""


def largest_png(depth: int, channels: int, colour: int, *extra: bytes) -> bytes:
    """As many pixels as are allowed, every row by the dearest filter (Paeth)."""
    side = int(MAX_PIXELS["PNG"] ** 0.5)
    row = b"\4" + (bytes(range(256)) * (side * channels * depth // 2048 + 1))
    rows = row[: 1 + side * channels * depth // 8] * side
    return png((side, side), depth, colour, rows, *extra)


def largest_webp() -> bytes:
    side = int(MAX_PIXELS["WEBP"] ** 0.5)
    tile = np.random.default_rng(0).integers(0, 4, (128, 128, 4)).astype(np.uint8) * 60
    whole = np.tile(tile, (side // 128 + 1, side // 128 + 1, 1))[:side, :side]
    return encoded(Image.fromarray(whole), "WEBP", method=0, exact=True)


def largest_jpeg(mode: str) -> bytes:
    side = int(MAX_PIXELS["JPEG"] ** 0.5)
    return encoded(Image.new(mode, (side, side)), "JPEG", progressive=True)


LARGEST: dict[str, Callable[[], bytes]] = {
    "PNG, 16 bits with alpha": lambda: largest_png(16, 4, 6),
    "PNG, 16 bits with a transparent grey": lambda: largest_png(16, 1, 0, chunk(b"tRNS", b"\0\1")),
    "PNG with a transparent colour": lambda: largest_png(8, 3, 2, chunk(b"tRNS", b"\0\1" * 3)),
    "PNG with a palette": lambda: largest_png(
        8, 1, 3, chunk(b"PLTE", bytes(768)), chunk(b"tRNS", bytes(256))
    ),
    "JPEG, progressive": lambda: largest_jpeg("RGB"),
    "JPEG, progressive, four inks": lambda: largest_jpeg("CMYK"),
    "WebP, lossless with alpha": largest_webp,
}
"""What the limits let through at the most."""


def _memory(line: str) -> int:
    """Bytes, as Linux counts them for this process: VmRSS now, VmHWM at most."""
    text = Path("/proc/self/status").read_text()
    return next(int(row.split()[1]) for row in text.splitlines() if row.startswith(line)) * 1024


def _rises() -> dict[str, int]:
    decode_image(JPEG)  # what is loaded once does not count
    found = {}
    for name, make in LARGEST.items():
        content = make()
        Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts anew from VmRSS
        before = _memory("VmRSS")
        decode_image(content)
        found[name] = _memory("VmHWM") - before
    return found


if __name__ == "__main__":
    json.dump(_rises(), sys.stdout)
