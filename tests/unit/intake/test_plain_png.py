"""Small plain PNGs take a shorter way, to the same pixels; nothing else does."""

from __future__ import annotations

import random
import struct
import zlib

import numpy as np
import pytest
from pictures import chunk, encoded, pixels, png, refusal, swapped_profile
from PIL import Image

from hydranet.errors import InputError
from hydranet.intake import images
from hydranet.intake.image_files import plain_png

NOISE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
RAMP = np.add.outer(np.arange(40) * 3, np.arange(20))[..., None].astype(np.uint8) * [1, 2, 3]
HEAD, BODY = encoded(Image.fromarray(NOISE))[:33], encoded(Image.fromarray(NOISE))[33:]


@pytest.fixture
def never_the_long_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "ordinary", lambda *_: pytest.fail("the long way was taken"))


def filtered(picture: np.ndarray, method: int) -> bytes:
    """The rows of a picture by one of PNG's five filters, after its specification, section 9."""
    height, width, _ = picture.shape
    padded = np.zeros((height + 1, width + 1, 3), np.int64)
    padded[1:, 1:] = picture
    left, up, corner = padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    far = [abs(left + up - corner - other) for other in (left, up, corner)]
    nearest = np.where(
        (far[0] <= far[1]) & (far[0] <= far[2]), left, np.where(far[1] <= far[2], up, corner)
    )
    guess = (0 * left, left, up, (left + up) // 2, nearest)[method]
    rows = ((picture - guess) % 256).astype(np.uint8).reshape(height, -1)
    return b"".join(bytes([method]) + row.tobytes() for row in rows)


@pytest.mark.parametrize("method", range(5))
@pytest.mark.parametrize("picture", [NOISE, RAMP.astype(np.uint8)], ids=["noise", "ramp"])
@pytest.mark.usefixtures("never_the_long_way")
def test_every_filter_gives_the_pixels(method: int, picture: np.ndarray) -> None:
    content = png(picture.shape[1::-1], 8, 2, filtered(picture, method))
    np.testing.assert_array_equal(pixels(content), picture)


@pytest.mark.usefixtures("never_the_long_way")
def test_rows_in_several_chunks_are_one_picture() -> None:
    packed = zlib.compress(filtered(NOISE, 0))
    parts = [chunk(b"IDAT", packed[at : at + 700]) for at in range(0, len(packed), 700)]
    content = HEAD + b"".join(parts) + chunk(b"IEND", b"")
    image = images.decode_image(content)
    assert (image.mode, image.info) == ("RGB", {})
    np.testing.assert_array_equal(np.asarray(image), NOISE)


def header(width: int, height: int, *kind: int) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, *kind))


@pytest.mark.parametrize(
    "content",
    {
        "metadata": encoded(Image.fromarray(NOISE), icc_profile=swapped_profile()),
        "transparency": encoded(Image.fromarray(NOISE), transparency=(1, 2, 3)),
        "grey": encoded(Image.fromarray(NOISE[..., 0])),
        "16 bits": HEAD[:8] + header(32, 32, 16, 2, 0, 0, 0) + BODY,
        "interlaced": HEAD[:8] + header(32, 32, 8, 2, 0, 0, 1) + BODY,
        "large": encoded(Image.new("RGB", (300, 300))),
        "two headers": HEAD + HEAD[8:] + BODY,
        "two ends": HEAD + BODY + BODY,
        "more behind the end": HEAD + BODY + b"\0",
        "cut short": HEAD + BODY[:-1],
        "a wrong checksum": HEAD + BODY[:99] + bytes([BODY[99] ^ 1]) + BODY[100:],
        "many chunks": HEAD + chunk(b"IDAT", b"") * 20 + BODY,
        "no rows": HEAD[:8] + header(0, 32, 8, 2, 0, 0, 0) + BODY,
    }.items(),
    ids=lambda item: item[0],
)
def test_all_else_goes_the_long_way(content: tuple[str, bytes]) -> None:
    assert plain_png(content[1]) is None


def test_rows_that_cannot_be_unpacked_are_refused_as_elsewhere() -> None:
    for rows in (b"no zlib", zlib.compress(b"\0" * 50), zlib.compress(b"\7" * 97 * 32)):
        content = HEAD + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
        assert plain_png(content) is not None
        assert "damaged or cut short" in refusal(content)


def test_a_long_strip_is_refused_as_elsewhere() -> None:
    assert "201 × 2 pixels" in refusal(png((201, 2), 8, 2, b"\0" * 604 * 2))


def test_rows_that_unpack_to_more_fill_the_picture_and_no_more() -> None:
    content = HEAD + chunk(b"IDAT", zlib.compress(bytes(2**24))) + chunk(b"IEND", b"")
    assert plain_png(content) is not None
    np.testing.assert_array_equal(pixels(content), np.zeros_like(NOISE))


def test_changed_files_become_what_they_become_the_long_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw, short = random.Random("plain"), 0
    for _ in range(300):
        packed = bytearray(zlib.compress(filtered(NOISE[:8, :8], 4)))
        for _ in range(draw.randint(1, 3)):
            packed[draw.randrange(len(packed))] = draw.randrange(256)
        content = HEAD[:8] + header(8, 8, 8, 2, 0, 0, 0)
        content += chunk(b"IDAT", bytes(packed)) + chunk(b"IEND", b"")
        found = outcome_of(content)
        with monkeypatch.context() as patch:
            patch.setattr(images, "plain_png", lambda _: None)
            assert found == outcome_of(content)
        short += found is not None
    assert 0 < short < 300


def outcome_of(content: bytes) -> bytes | None:
    try:
        return images.decode_image(content).tobytes()
    except InputError:
        return None
