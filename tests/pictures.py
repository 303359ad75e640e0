"""Small pictures made by code, one for each way that the formats have, and what becomes of them."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from hydranet.errors import InputError
from hydranet.intake.images import MAX_SIDE, decode_image

KINDS = ("PNG", "JPEG", "WEBP")
# Four tiles of 16 pixels, each of its own colour, wider than high: every turn of it is another.
TILES = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [90, 90, 90]]], np.uint8)
SCENE = Image.fromarray(np.kron(TILES, np.ones((16, 32, 1), np.uint8)))


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    if kind == "WEBP":
        options.setdefault("lossless", True)
    if kind == "JPEG":
        options = {"quality": 95, "subsampling": 0} | options
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(size: tuple[int, int], depth: int, colour: int, rows: bytes, *extra: bytes) -> bytes:
    """A PNG written by hand: `rows` begin each with the filter byte 0."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + body


def pixels(content: bytes) -> NDArray[np.uint8]:
    return np.asarray(decode_image(content))


def refusal(content: bytes, name: str = "cat.png") -> str:
    with pytest.raises(InputError) as caught:
        decode_image(content, name=name)
    message = str(caught.value)
    assert message.isprintable()
    assert message.endswith(".")
    assert " must " in message
    assert len(message) < 300
    return message


def outcome(content: bytes) -> Image.Image | None:
    """The picture or None; whatever else is raised fails the test that calls."""
    try:
        image = decode_image(content)
    except InputError:
        return None
    assert image.mode == "RGB"
    assert 1 <= min(image.size) <= max(image.size) <= MAX_SIDE
    return image


def swapped_profile() -> bytes:
    """The sRGB profile with its red and its blue exchanged."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"?").replace(b"bXYZ", b"rXYZ").replace(b"?", b"bXYZ")


def exif_of(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def linear_profile() -> bytes:
    """sRGB's primaries with linear light, written by hand after the ICC's specification: a matrix
    to XYZ under D50 (that of sRGB, IEC 61966-2-1, adapted) and curves without entries."""

    def xyz(x: float, y: float, z: float) -> bytes:
        return struct.pack(">4s4x3i", b"XYZ ", *(round(65536 * v) for v in (x, y, z)))

    identity = struct.pack(">4s4xI", b"curv", 0)
    tags = {
        b"rXYZ": xyz(0.4361, 0.2225, 0.0139), b"gXYZ": xyz(0.3851, 0.7169, 0.0971),
        b"bXYZ": xyz(0.1431, 0.0606, 0.7141), b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rTRC": identity, b"gTRC": identity, b"bTRC": identity,
    }  # fmt: skip
    return profile(tags)


def profile(tags: dict[bytes, bytes], *, space: bytes = b"RGB ", pcs: bytes = b"XYZ ") -> bytes:
    """A colour profile of a display with these tags, whose lengths are multiples of four."""
    at = 132 + 12 * len(tags)
    table = b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, at, len(data))
        at += len(data)
    header = struct.pack(">I4xI4s4s4s", at, 0x04300000, b"mntr", space, pcs).ljust(36, b"\0")
    white = struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    header = (header + b"acsp").ljust(68, b"\0") + white
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + b"".join(tags.values())


def small_file(kind: str) -> bytes:
    """A small file with all that has a parser of its own: EXIF, a colour profile."""
    scene = SCENE.resize((12, 8), Image.Resampling.NEAREST)
    return encoded(scene, kind, exif=exif_of(1), icc_profile=swapped_profile())


def small_files() -> dict[str, bytes]:
    """One for each way of writing pixels that a decoder has."""
    scene = SCENE.resize((12, 8), Image.Resampling.NEAREST)
    frames = {"save_all": True, "append_images": [scene.transpose(Image.Transpose.ROTATE_180)]}
    grey16 = np.arange(96, dtype=np.uint16).reshape(8, 12) * 600
    return {
        **{f"{kind} with metadata": small_file(kind) for kind in KINDS},
        "PNG": encoded(scene),
        "PNG of 16 bits": encoded(Image.fromarray(grey16)),
        "PNG with a palette": encoded(scene.quantize(4), transparency=1),
        "PNG with alpha": encoded(scene.convert("RGBA")),
        "PNG, animated": encoded(scene, **frames),
        "JPEG": encoded(scene, "JPEG"),
        "JPEG, progressive": encoded(scene, "JPEG", progressive=True),
        "JPEG, grey": encoded(scene.convert("L"), "JPEG"),
        "JPEG, CMYK": encoded(scene.convert("CMYK"), "JPEG"),
        "WebP": encoded(scene, "WEBP"),
        "WebP, lossy": encoded(scene, "WEBP", lossless=False),
        "WebP, lossy with alpha": encoded(scene.convert("RGBA"), "WEBP", lossless=False),
        "WebP, animated": encoded(scene, "WEBP", **frames),
    }
