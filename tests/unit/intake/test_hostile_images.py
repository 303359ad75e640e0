"""Whatever the bytes: a picture or one sentence, never another error, and never much work."""

from __future__ import annotations

import json
import random
import struct
import subprocess
import sys
from pathlib import Path

import hostile_pictures as hostile
import numpy as np
import pytest
from pictures import (
    SCENE,
    chunk,
    encoded,
    outcome,
    pixels,
    png,
    refusal,
    small_file,
    small_files,
)
from PIL import Image, ImageFile


@pytest.mark.parametrize("content", small_files().values(), ids=small_files())
def test_a_file_cut_short_is_refused_or_whole(content: bytes) -> None:
    whole = pixels(content)
    for end in range(len(content)):
        if (image := outcome(content[:end])) is not None:
            np.testing.assert_array_equal(np.asarray(image), whole)


def mutated(content: bytes, rng: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        at, length = rng.randrange(len(data)), rng.randint(1, 4)
        change = rng.choice(("flip", "insert", "delete"))
        new = b"" if change == "delete" else rng.randbytes(length)
        data[at : at + (0 if change == "insert" else length)] = new
    return bytes(data)


def with_right_checksums(content: bytes) -> bytes:
    """Mend a PNG's checksums, so that mutations get past them."""
    out, at = content[:8], 8
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        out += chunk(content[at + 4 : at + 8], content[at + 8 : at + 8 + length])
        at += length + 12
    return out


@pytest.mark.parametrize(("kind", "count"), [("PNG", 1700), ("JPEG", 1700), ("WEBP", 1600)])
def test_mutations(kind: str, count: int) -> None:
    rng = random.Random(f"images {kind}")
    content = small_file(kind)
    decoded = 0
    for number in range(count):
        data = mutated(content, rng)
        if kind == "PNG" and number % 2:
            data = with_right_checksums(data)
        decoded += outcome(data) is not None
    assert 0 < decoded < count


def animation_claiming(width: int, height: int) -> bytes:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    content = bytearray(encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:]))
    content[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (png((30_000, 30_000), 8, 2, b"\0"), "25 megapixels"),
        (png((12_000, 12_000), 8, 2, b"\0"), "12000 × 12000"),  # where Pillow warns only
        (png((5001, 5000), 8, 2, b"\0"), "5001 × 5000"),
        (png((30_000, 1), 8, 0, b"\0" * 30_001), "30000 × 1"),
        (animation_claiming(3501, 4000), "14 megapixels"),
        (animation_claiming(16_000, 16_000), "14 megapixels"),
    ],
)
def test_bombs_are_refused_before_decoding(
    content: bytes, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("decoded"))
    assert len(content) < 1000
    assert says in refusal(content)


@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
def test_pictures_without_pixels_are_refused(size: tuple[int, int]) -> None:
    refusal(png(size, 8, 2, b""))


def test_one_pixel_is_a_picture() -> None:
    np.testing.assert_array_equal(pixels(png((1, 1), 8, 2, b"\0\1\2\3")), [[[1, 2, 3]]])


@pytest.mark.parametrize("content", hostile.REPEATED.values(), ids=hostile.REPEATED)
def test_work_asked_for_again_and_again_is_refused(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("a decoder saw it"))
    assert "repeated" in refusal(content)


@pytest.mark.parametrize("content", hostile.IGNORED.values(), ids=hostile.IGNORED)
def test_what_no_pixel_depends_on_costs_nothing(content: bytes) -> None:
    plain = hostile.JPEG if content.startswith(b"\xff\xd8") else encoded(SCENE)
    np.testing.assert_allclose(pixels(content).astype(int), pixels(plain), atol=3)


def test_no_picture_takes_300_mb() -> None:
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("only Linux counts the memory of a process so")
    done = subprocess.run(
        [sys.executable, hostile.__file__], capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rises = json.loads(done.stdout)
    assert set(rises) == set(hostile.LARGEST)
    assert max(rises.values()) < 300 * 10**6, rises
    assert max(rises.values()) > 100 * 10**6, rises  # else nothing was measured
