"""What a picture's file is made of, read before any decoder sees it. Light.

A small file can ask for the same work again and again: 19 MB of comments in a JPEG took 8 s, 60,000
stages in a 3 MB colour profile 45 s. Programs write none of that, so what is repeated beyond any
program's habit is refused, and the segments of a JPEG that no pixel depends on are left out.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections import Counter
from typing import Final

from hydranet.errors import InputError

_MAX_SCANS: Final = 40
_MAX_SEGMENTS: Final = 2048
_MAX_KEPT_SEGMENTS: Final = 256
_MAX_EXIF_SEGMENTS: Final = 16
_MAX_PACKED_CHUNKS: Final = 16
_MAX_OTHER_CHUNKS: Final = 256
_MAX_DATA_CHUNKS: Final = 100_000
_MAX_PLAIN: Final = 2**19
_MAX_PLAIN_PIXELS: Final = 2**16
_MAX_PLAIN_CHUNKS: Final = 16
_HEADER_BEGINS: Final = struct.pack(">I4s", 13, b"IHDR")
_PLAIN: Final = struct.pack(">BBBBB", 8, 2, 0, 0, 0)
"""Eight bits, red, green and blue, rows from top to bottom."""

_CHUNK = struct.Struct(">I4s")
_SIZE = struct.Struct(">II")
_SEGMENT = re.compile(rb"\xff+([^\x00\xff])")  # any number of bytes may fill the gap before one
_SEGMENT_IN_DATA = re.compile(rb"\xff([\xc0-\xcf\xd8-\xfe])")
_END_OF_IMAGE, _START_OF_SCAN = 0xD9, 0xDA
_WITHOUT_LENGTH: Final = {0x01, *range(0xD0, _START_OF_SCAN)}
_LEFT_OUT: Final = {*range(0xE0, 0xF0), 0xFE}
"""Application segments and comments, but for those of `_KEPT`."""
_EXIF = b"Exif\0\0"
_KEPT: Final = {
    0xE0: (b"JFIF\0",),
    0xE1: (_EXIF, b"http://ns.adobe.com/xap/1.0/\0"),
    0xE2: (b"ICC_PROFILE\0",),
    0xEE: (b"Adobe",),
}
"""The application segments of a JPEG that its colours or its orientation depend on."""


class _RepeatedError(Exception):
    """Something stands in the file more often than any program writes it."""


def kind_of(content: bytes) -> str | None:
    """The decoder that the first bytes ask for: PNG, JPEG or WEBP; None for all others."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "WEBP"
    return None


def plain_png(content: bytes) -> tuple[tuple[int, int], bytes] | None:
    """Width and height of a small PNG that holds nothing but red, green and blue in eight bits, and
    its packed rows. None for every other file, and where a length or a checksum is wrong."""
    if content[8:16] != _HEADER_BEGINS or content[24:29] != _PLAIN or len(content) > _MAX_PLAIN:
        return None
    width, height = size = _SIZE.unpack_from(content, 16)
    if not 0 < width * height <= _MAX_PLAIN_PIXELS:
        return None
    rows: list[bytes] = []
    at, kind = 8, b""
    while kind != b"IEND" and at + 12 <= len(content) and len(rows) < _MAX_PLAIN_CHUNKS:
        length, kind = _CHUNK.unpack_from(content, at)
        body = content[at + 4 : at + 8 + length]
        if content[at + 8 + length : at + 12 + length] != zlib.crc32(body).to_bytes(4, "big"):
            return None
        if kind == b"IDAT":
            rows.append(body[4:])
        elif kind != b"IEND" and at > 8:  # the first one is the header
            return None
        at += length + 12  # the length, the type and the checksum have four bytes each
    return (size, b"".join(rows)) if kind == b"IEND" and at == len(content) else None


def seems(content: bytes) -> str:
    """What a file of another kind is, as the end of "but it …"."""
    start = content[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    brand = content[8:12] if content[4:8] == b"ftyp" else b""
    lower = start.lower()
    guesses = {
        "a GIF": content.startswith((b"GIF87a", b"GIF89a")),
        "a BMP": content.startswith(b"BM") and content[6:10] == bytes(4),
        "a TIFF": content.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
        "an AVIF": brand in (b"avif", b"avis"),
        "a HEIC photo": brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"),
        "a video": brand != b"",
        "a PDF": start.startswith(b"%PDF-"),
        "a ZIP archive": content.startswith((b"PK\3\4", b"PK\5\6")),
        "an SVG drawing": lower.startswith(b"<svg")
        or (lower.startswith((b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in lower),
        "a web page": lower.startswith((b"<!doctype html", b"<html")),
    }
    for what, holds in guesses.items():
        if holds:
            return f"seems to be {what}"
    text = content[:4096].decode("utf-8", "ignore")
    is_text = len(text.encode()) > len(content[:4096]) - 4 and all(
        c.isprintable() or c.isspace() for c in text
    )
    return "seems to be text" if is_text else "is none of them"


def ordinary(content: bytes, kind: str, name: str) -> bytes:
    """What a decoder may see of a file of that kind; `name` begins the message.

    Raises:
        InputError: its metadata, its segments or its scans are repeated.
    """
    try:
        if kind == "PNG":
            _check_chunks(content)
        elif kind == "JPEG":
            return _decisive_segments(content)
        else:
            _check_riff(content)
    except _RepeatedError:
        raise InputError(
            f"{name} must be an ordinary picture, but its metadata or its scans are repeated more "
            "often than any program writes them. Save it again from an image editor."
        ) from None
    return content


def _check_chunks(content: bytes) -> None:
    """Of a PNG: how often each type of chunk occurs."""
    counts: Counter[bytes] = Counter()
    at, seen = 8, 0
    while at + 8 <= len(content):
        length, chunk = _CHUNK.unpack_from(content, at)
        counts[chunk] += 1
        seen += 1
        if seen > _MAX_DATA_CHUNKS:
            raise _RepeatedError
        at += length + 12
    packed = counts[b"iCCP"] + counts[b"iTXt"] + counts[b"zTXt"]
    other = counts.total() - counts[b"IDAT"] - counts[b"fdAT"] - counts[b"fcTL"]
    if packed > _MAX_PACKED_CHUNKS or other > _MAX_OTHER_CHUNKS:
        raise _RepeatedError


def _check_riff(content: bytes) -> None:
    """Of a WebP: how many chunks it has, a frame of an animation each."""
    at, seen = 12, 0
    while at + 8 <= len(content):
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        at += 8 + length + length % 2
        seen += 1
        if seen > _MAX_DATA_CHUNKS:
            raise _RepeatedError


def _decisive_segments(content: bytes) -> bytes:
    """A JPEG without what its pixels do not depend on: previews, comments, notes of cameras.

    A file whose segments cannot be followed up to its first scan is cut there, which leaves the
    decoder to say that it is damaged.
    """
    view = memoryview(content)
    kept, at, segments, exif = [view[:2]], 2, 0, 0
    while (found := _SEGMENT.match(content, at)) and found[1][0] not in _WITHOUT_LENGTH:
        marker, body = found[1][0], found.end() + 2
        if marker == _START_OF_SCAN:
            _check_scans(content, found.start(1) - 1)
            return b"".join([*kept, view[found.start(1) - 1 :]])
        at = found.end() + int.from_bytes(content[found.end() : body], "big")
        segments += 1
        exif += marker == 0xE1 and content.startswith(_EXIF, body)
        if marker not in _LEFT_OUT or content.startswith(_KEPT.get(marker, ()), body):
            kept.append(view[found.start(1) - 1 : at])
        if segments > _MAX_SEGMENTS or len(kept) > _MAX_KEPT_SEGMENTS or exif > _MAX_EXIF_SEGMENTS:
            raise _RepeatedError
    return b"".join(kept)


def _check_scans(content: bytes, at: int) -> None:
    """How many passes over the picture the decoder would make from `at` on."""
    scans = segments = 0
    while (found := _SEGMENT_IN_DATA.search(content, at)) and found[1][0] != _END_OF_IMAGE:
        scans += found[1][0] == _START_OF_SCAN
        segments += 1
        if scans > _MAX_SCANS or segments > _MAX_SEGMENTS:
            raise _RepeatedError
        at = found.end() + int.from_bytes(content[found.end() : found.end() + 2], "big")
