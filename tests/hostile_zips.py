"""ZIP archives that mean harm, made by code. Also a good one, and the pictures in them."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

LONG = "a" * 9_996 + ".png"


def picture(seed: int, side: int = 24) -> bytes:
    """A PNG of noise."""
    pixels = np.random.default_rng(seed).integers(0, 255, (side, side, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def plain(side: int) -> bytes:
    """A PNG of one colour: few bytes, and long to decode where it is large."""
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), "navy").save(buffer, "PNG")
    return buffer.getvalue()


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Entries in this order, also of one name."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.simplefilter("ignore")  # of a name that is there twice
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()


def with_null() -> bytes:
    """A name with a null character; Python would not write it."""
    return zipped(("ab.png", picture(0)), ("good.png", picture(1))).replace(b"ab.png", b"a\0.png")


def encrypted() -> bytes:
    """The second of two entries says that it is encrypted."""
    content = bytearray(zipped(("good.png", picture(0)), ("secret.png", picture(1))))
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = content.index(signature, content.index(signature) + 1)
        content[at + offset] |= 1
    return bytes(content)


def many(count: int) -> bytes:
    """So many entries that are the same bytes of the file: a list, and one small picture."""
    png = picture(0)
    local = zipped(("0.png", png), method=zipfile.ZIP_STORED)
    start = local.index(b"PK\1\2")
    end = local.index(b"PK\5\6")
    body, entry = local[:start], local[start:end]
    directory = entry * count
    tail = struct.pack(
        "<4s4H2LH", b"PK\5\6", 0, 0, count % 65536, count % 65536, len(directory), len(body), 0
    )
    return body + directory + tail


def liar(says: int) -> bytes:
    """A picture of zeros that says it unpacks to another size than it does."""
    content = bytearray(zipped(("zeros.png", bytes(30_000)), ("good.png", picture(0))))
    struct.pack_into("<L", content, content.index(b"PK\1\2") + 24, says)
    struct.pack_into("<L", content, 22, says)
    return bytes(content)


def slow_zip(path: Path, *, images: int, folder: str = "") -> Path:
    """`path`, with so many pictures that take long to decode in it."""
    slow = plain(2400)
    path.write_bytes(zipped(*((f"{folder}{number}.png", slow) for number in range(images))))
    return path
