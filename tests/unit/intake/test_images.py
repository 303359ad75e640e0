"""The picture that a person would see, whatever wrote the file: turned, in sRGB, on white."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from pictures import (
    KINDS,
    SCENE,
    TILES,
    chunk,
    encoded,
    exif_of,
    linear_profile,
    outcome,
    pixels,
    png,
    refusal,
    swapped_profile,
)
from PIL import Image

from hydranet.errors import InputError
from hydranet.intake.images import MAX_BYTES, decode_image, read_image

UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_orientation_is_applied_once(kind: str, orientation: int) -> None:
    image = decode_image(encoded(SCENE, kind, exif=exif_of(orientation)))
    expected = UPRIGHT[orientation](np.asarray(SCENE)).astype(int)
    np.testing.assert_allclose(np.asarray(image), expected, atol=4 if kind == "JPEG" else 0)
    assert image.info == {}
    assert not image.getexif()


@pytest.mark.parametrize("kind", KINDS)
def test_broken_exif_does_not_break_the_picture(kind: str) -> None:
    sound = exif_of(6).tobytes()
    plain = pixels(encoded(SCENE, kind))
    turned = np.rot90(plain, -1)
    np.testing.assert_array_equal(pixels(encoded(SCENE, kind, exif=sound)), turned)
    for exif in (sound[:12], b"Exif\0\0" + b"\xff" * 50, sound[:14] + b"\xff\xff" + sound[16:]):
        image = pixels(encoded(SCENE, kind, exif=exif))
        assert any(np.array_equal(image, other) for other in (plain, turned))


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description tiff:Orientation="6"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


def with_xmp(kind: str) -> bytes:
    if kind == "PNG":
        content = encoded(SCENE)
        return content[:33] + chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP) + content[33:]
    return encoded(SCENE, kind, xmp=XMP)


@pytest.mark.parametrize("kind", KINDS)
def test_an_orientation_that_only_xmp_gives_counts_too(kind: str) -> None:
    turned = np.rot90(pixels(encoded(SCENE, kind)), -1)
    np.testing.assert_array_equal(pixels(with_xmp(kind)), turned)


def test_a_jpeg_is_the_same_picture_without_what_no_pixel_depends_on() -> None:
    """Previews, comments, notes of cameras, a second picture: none reaches the decoder."""
    content = encoded(SCENE, "JPEG", exif=exif_of(6), icc_profile=swapped_profile())
    more = b"".join(
        b"\xff" * (1 + number % 3) + bytes([marker]) + (2 + len(body)).to_bytes(2, "big") + body
        for number, (marker, body) in enumerate(
            [(0xFE, b"a comment"), (0xE2, b"MPF\0II*\0"), (0xED, b"Photoshop 3.0\0" + bytes(90)),
             (0xE5, bytes(3000)), (0xE1, b"http://ns.adobe.com/xmp/extension/\0")]
        )
    )  # fmt: skip
    np.testing.assert_array_equal(pixels(content[:2] + more + content[2:]), pixels(content))


@pytest.mark.parametrize("ink", [(0, 255, 255, 0), (64, 0, 128, 32), (0, 0, 0, 200), (0, 0, 0, 0)])
def test_cmyk_jpeg(ink: tuple[int, int, int, int]) -> None:
    """Without a profile: what each ink lets through of white, and black of that."""
    *colours, black = (1 - value / 255 for value in ink)
    expected = [255 * value * black for value in colours]
    content = encoded(Image.new("CMYK", (8, 8), ink), "JPEG")
    np.testing.assert_allclose(pixels(content)[4, 4], expected, atol=4)


def test_sixteen_bit_colour_with_alpha() -> None:
    """(value · alpha + 65535 · (65535 − alpha)) / 65535 on white, then 16 bits in 8."""
    values = np.array([[60_000, 20_000, 0, 30_000], [1, 40_000, 65_535, 65_535]], np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    colours, alpha = values[:, :3] / 65_535, values[:, 3:] / 65_535
    expected = 255 * (colours * alpha + 1 - alpha)
    np.testing.assert_allclose(pixels(png((1, 2), 16, 6, rows))[:, 0], expected, atol=1.5)
    rows = b"".join(b"\0" + row[[0, 3]].astype(">u2").tobytes() for row in values)  # grey
    expected = np.repeat(expected[:, :1], 3, axis=1)
    np.testing.assert_allclose(pixels(png((1, 2), 16, 4, rows))[:, 0], expected, atol=1.5)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_few_bits(depth: int) -> None:
    """Grey of few bits is spread over 0 to 255; a palette is looked up."""
    values = np.arange(8) % 2**depth
    bits = "".join(f"{value:0{depth}b}" for value in values)
    row = b"\0" + bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
    grey = pixels(png((8, 1), depth, 0, row))[0]
    np.testing.assert_allclose(grey, np.tile(255 * values / (2**depth - 1), (3, 1)).T, atol=1)
    colours = np.random.default_rng(depth).integers(0, 256, (2**depth, 3)).astype(np.uint8)
    found = pixels(png((8, 1), depth, 3, row, chunk(b"PLTE", colours.tobytes())))
    np.testing.assert_array_equal(found[0], colours[values])


def test_sixteen_bit_grey_is_scaled() -> None:
    values = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(16, 16)
    grey = pixels(encoded(Image.fromarray(values)))
    np.testing.assert_allclose(grey[:, :, 1], np.arange(256).reshape(16, 16), atol=1)
    rows = b"\0" + struct.pack(">HH", 40_000, 20_000)
    assert pixels(png((2, 1), 16, 0, rows))[0, :, 0].tolist() == [156, 78]
    see_through = chunk(b"tRNS", struct.pack(">H", 20_000))
    assert pixels(png((2, 1), 16, 0, rows, see_through))[0, :, 0].tolist() == [156, 255]


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_alpha_lies_on_white(kind: str) -> None:
    red = Image.new("RGBA", (2, 2), (200, 0, 0, 128))
    red.putpixel((0, 0), (10, 20, 30, 0))
    image = pixels(encoded(red, kind, exact=True) if kind == "WEBP" else encoded(red))
    np.testing.assert_allclose(image[1, 1], [227, 127, 127], atol=1)
    assert image[0, 0].tolist() == [255, 255, 255]


def test_grey_with_alpha_and_with_a_transparent_value() -> None:
    np.testing.assert_allclose(pixels(encoded(Image.new("LA", (1, 1), (0, 64)))), 191, atol=1)
    see_through = chunk(b"tRNS", struct.pack(">H", 7))
    assert pixels(png((2, 1), 8, 0, b"\0\7\x08", see_through))[0, :, 0].tolist() == [255, 8]
    key = chunk(b"tRNS", struct.pack(">HHH", 1, 2, 3))
    assert pixels(png((2, 1), 8, 2, b"\0\1\2\3\1\2\4", key)).tolist() == [[[255] * 3, [1, 2, 4]]]
    assert pixels(encoded(Image.new("1", (1, 1), 1))).tolist() == [[[255] * 3]]


@pytest.mark.parametrize(("alphas", "white"), [(bytes([255, 0]), 0), (bytes([128, 0]), 127)])
def test_palette_with_transparency(alphas: bytes, white: int) -> None:
    palette = chunk(b"PLTE", bytes([255, 0, 0, 0, 0, 255]))
    image = pixels(png((2, 1), 8, 3, b"\0\0\1", palette, chunk(b"tRNS", alphas)))
    np.testing.assert_allclose(image, [[[255, white, white], [255, 255, 255]]], atol=1)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_shows_its_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "lime", "blue")]
    image = pixels(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert (image == [255, 0, 0]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_colour_profiles(kind: str) -> None:
    red = Image.new("RGB", (8, 8), "red")
    swapped = pixels(encoded(red, kind, icc_profile=swapped_profile()))
    np.testing.assert_allclose(swapped[4, 4], [0, 0, 255], atol=4)
    for useless in (b"not a profile", swapped_profile()[:300]):
        image = pixels(encoded(red, kind, icc_profile=useless))
        np.testing.assert_allclose(image[4, 4], [255, 0, 0], atol=2)
    if kind != "WEBP":  # it has no grey
        image = pixels(encoded(Image.new("L", (8, 8), 99), kind, icc_profile=swapped_profile()))
        np.testing.assert_allclose(image[4, 4], 99, atol=1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_profile_of_linear_light(kind: str) -> None:
    """Expected: sRGB's own curve (IEC 61966-2-1) applied to each value, and no other change."""
    values = np.array([[3, 3, 3], [60, 60, 60], [200, 120, 40], [255, 255, 255]])
    light = values / 255
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    for value, expected in zip(values, 255 * curve, strict=True):
        image = Image.new("RGB", (8, 8), tuple(int(v) for v in value))
        found = pixels(encoded(image, kind, icc_profile=linear_profile()))[4, 4]
        np.testing.assert_allclose(found, expected, atol=6 if kind == "JPEG" else 2)


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGB"), ("PNG", "RGBA"), ("JPEG", "RGB"), ("WEBP", "RGBA")]
)
def test_large_pictures_come_reduced(kind: str, mode: str) -> None:
    large = SCENE.resize((3000, 1500), Image.Resampling.NEAREST).convert(mode)
    image = decode_image(encoded(large, kind, **({"method": 0} if kind == "WEBP" else {})))
    assert image.size == (2048, 1024)
    np.testing.assert_allclose(np.asarray(image)[256::512, 512::1024], TILES, atol=4)


OTHER_KINDS = [
    (encoded(SCENE, "GIF"), "seems to be a GIF"),
    (encoded(SCENE, "BMP"), "seems to be a BMP"),
    (encoded(SCENE, "TIFF"), "seems to be a TIFF"),
    (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
    (b"\xef\xbb\xbf <svg/>", "an SVG drawing"),
    (b"<!DOCTYPE html><title>404</title>", "a web page"),
    (b"%PDF-1.7\n%\xe2\xe3", "a PDF"),
    (b"PK\x03\x04" + bytes(30), "a ZIP archive"),
    (b"\0\0\0\x18ftypheic" + bytes(20), "a HEIC photo"),
    (b"\0\0\0\x18ftypavif" + bytes(20), "an AVIF"),
    (b"\0\0\0\x18ftypisom" + bytes(20), "a video"),
    ("Grüße, this is no picture.\n".encode() * 300, "seems to be text"),
    (bytes(range(256)), "is none of them"),
    (b"RIFF\x04\0\0\0WAVE" + bytes(9), "is none of them"),
]


@pytest.mark.parametrize(("content", "says"), OTHER_KINDS, ids=[says for _, says in OTHER_KINDS])
def test_other_kinds_are_named(content: bytes, says: str) -> None:
    message = refusal(content)
    assert says in message
    assert "PNG, JPEG or WebP" in message


def test_empty_and_oversized_files() -> None:
    assert "empty" in refusal(b"")
    assert "20 MiB" in refusal(encoded(SCENE) + bytes(MAX_BYTES))


def test_names_are_text_on_one_line() -> None:
    for name in ("a\n\x1b[31mb\u202egnp.exe\0", "\n", "x" * 5000, "\ud800"):
        assert len(refusal(b"", name=name)) < 130
    assert refusal(b"", name="").startswith("The image must")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "gif", "txt"])
def test_the_content_counts_and_not_the_name(tmp_path: Path, kind: str, ending: str) -> None:
    path = tmp_path / f"photo.{ending}"
    path.write_bytes(encoded(SCENE, kind))
    np.testing.assert_array_equal(np.asarray(read_image(path)), pixels(encoded(SCENE, kind)))


def test_reading_files(tmp_path: Path) -> None:
    wrong_ending = tmp_path / "photo.gif"
    wrong_ending.write_bytes(encoded(SCENE))
    np.testing.assert_array_equal(np.asarray(read_image(wrong_ending)), np.asarray(SCENE))
    np.testing.assert_array_equal(np.asarray(read_image(str(wrong_ending))), np.asarray(SCENE))
    for path, says in [
        (tmp_path / "none.png", "no such file"),
        (tmp_path, "is a folder"),
        (wrong_ending / "x.png", "cannot be opened"),
        ("a\0b", "cannot be opened"),
    ]:
        with pytest.raises(InputError, match=says):
            read_image(path)


def test_warning_filters_are_as_they_were() -> None:
    before = list(warnings.filters)
    outcome(encoded(SCENE))
    outcome(b"\xff\xd8\xff")
    assert warnings.filters == before
