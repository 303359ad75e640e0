"""Whatever the bytes: the right picture or one sentence, never another error, never a warning."""

from __future__ import annotations

import io
import random
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile

from hydranet.errors import InputError
from hydranet.images import MAX_BYTES, MAX_SIDE, decode_image, read_image

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


def small_file(kind: str) -> bytes:
    """A small file with all that has a parser of its own: EXIF, a colour profile."""
    scene = SCENE.resize((12, 8), Image.Resampling.NEAREST)
    return encoded(scene, kind, exif=exif_of(1), icc_profile=swapped_profile())


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_short_is_refused_or_whole(kind: str) -> None:
    content = encoded(SCENE.resize((12, 8), Image.Resampling.NEAREST), kind)
    whole = pixels(content)
    for end in range(len(content)):
        if (image := outcome(content[:end])) is not None:
            assert end > len(content) - 24  # what is missing is no pixel
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
        (animation_claiming(4001, 4000), "16 megapixels"),
        (animation_claiming(16_000, 16_000), "16 megapixels"),
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


def test_work_asked_for_again_and_again_is_refused() -> None:
    packed = chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(1000)))
    text = [chunk(b"tEXt", b"%d\0" % number) for number in range(300)]
    assert "repeated" in refusal(png((1, 1), 8, 0, b"\0\0", *[packed] * 17))
    assert "repeated" in refusal(png((1, 1), 8, 0, b"\0\0", *text))
    jpeg = encoded(SCENE, "JPEG", progressive=True)
    last_scan = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    assert "repeated" in refusal(jpeg[:-2] + last_scan * 100 + jpeg[-2:])
    # Bytes that look like scans behind the picture are not scans: phones append a video there.
    np.testing.assert_array_equal(pixels(jpeg + b"\xff\xda" * 500), pixels(jpeg))
    assert "repeated" in refusal(jpeg[:2] + b"\xff\xe1\0\x08Exif\0\0" * 17 + jpeg[2:])


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


def test_cmyk_jpeg() -> None:
    ink = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    np.testing.assert_allclose(pixels(encoded(ink, "JPEG"))[4, 4], [255, 0, 0], atol=3)


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
