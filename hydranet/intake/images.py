"""A stranger's bytes → the RGB picture that a person would see, or a sentence that says why not.

Three decoders can be reached (PNG, JPEG, WebP), sizes are compared with limits before a pixel is
decoded, and what a small file can ask for again and again is counted first (`image_files`). One
image costs less than 300 MB and 2 s of an ordinary core, whatever the bytes.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Final

import numpy as np
from PIL import ExifTags, Image, ImageCms

from hydranet.errors import InputError
from hydranet.intake.image_files import kind_of, ordinary, plain_png, seems

MAX_BYTES: Final = 20 * 2**20
# Pillow's WebP decoder holds four copies of the picture, the others at most two.
MAX_PIXELS: Final = {"PNG": 25_000_000, "JPEG": 25_000_000, "WEBP": 14_000_000}
MAX_ASPECT: Final = 100
MAX_SIDE: Final = 2048

_MAX_EXIF_BYTES: Final = 2**20
_MAX_PROFILE_BYTES: Final = 4 * 2**20
# Of the stages of a profile all but these are of a fixed number.
_ANY_NUMBER_OF_STAGES: Final = b"mpet"
_STRIP: Final = 128

# One picture at a time: it bounds the memory of a server with many visitors, and Python's list of
# warning filters, changed while Pillow works, belongs to all threads.
_one_at_a_time = Lock()


def decode_image(content: bytes, *, name: str = "The image") -> Image.Image:
    """Decode a PNG, JPEG or WebP file into an RGB picture without metadata.

    The picture is turned as its EXIF says, its colours are sRGB, transparency lies on white, and
    of an animation it is the first frame. A picture longer than 2048 px comes reduced to that.
    `name` begins the messages.

    Raises:
        InputError: the file is none of the three kinds, damaged, or beyond a limit of this module.
    """
    return _decode(content, _short(name, 60))


def _decode(content: bytes, name: str) -> Image.Image:
    _check_bytes(len(content), name)
    kind = kind_of(content)
    if kind is None:
        raise InputError(
            f"{name} must be a PNG, JPEG or WebP picture, but it {seems(content)}. "
            "Save it as one of the three and try again."
        )
    if kind == "PNG" and (image := _plain(content, name)) is not None:
        return image
    content = ordinary(content, kind, name)
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with _whatever_pillow_raises(name, kind):
            image = Image.open(io.BytesIO(content), formats=(kind,))
        _check_size(image.size, kind, name)
        with _whatever_pillow_raises(name, kind):
            return _flatten(_upright(_reduced(image)))


def _plain(content: bytes, name: str) -> Image.Image | None:
    """A small PNG of nothing but colours, or None where `content` is something else or damaged.

    Pillow's decoder of packed rows gives the same pixels without all that such a picture does not
    have, in half the time. It need not wait for other pictures: 256 kB are taken, no warning given.
    """
    found = plain_png(content)
    if found is None:
        return None
    size, packed = found
    _check_size(size, "PNG", name)
    with suppress(Exception):  # see `_whatever_pillow_raises`, which then says what is wrong
        return Image.frombytes("RGB", size, packed, "zip", "RGB")
    return None


_MODES: Final = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr",
                 "HSV", "LAB", "I;16")  # fmt: skip


def to_rgb(image: Image.Image) -> Image.Image:
    """A picture that is decoded already, as `decode_image` gives them: its colours in sRGB, what is
    transparent on white, 16-bit grey scaled to 8. It is not turned, and `image` stays as it is.

    Raises:
        InputError: its mode is none of colours of 8 bits or grey of 16.
    """
    if image.mode not in _MODES:
        raise InputError(
            f"A picture must have one of the modes {', '.join(_MODES)}, not {image.mode}. Convert "
            "it to RGB first."
        )
    return _flatten(_reduced(image.copy()))


def read_image(path: str | Path) -> Image.Image:
    """Read the file at `path` as `decode_image` does.

    Examples:
        >>> read_image("app/samples/cat.jpg").mode
        'RGB'

    Raises:
        InputError: there is no such file, it cannot be opened, or `decode_image` refuses it.
    """
    name = _short(str(path), 200)  # whole, as a rule: someone will look for the file
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise InputError(
            f"{name} must be a picture file, but there is no such file. Check the path."
        ) from None
    except IsADirectoryError:
        raise InputError(
            f"{name} must be a picture file, but it is a folder. Name a file in it."
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or "the path is not valid"
        raise InputError(
            f"{name} must be a picture file that can be read, but it cannot be opened: {reason}. "
            "Check the path and its permissions."
        ) from None
    return _decode(content, name)


def _short(name: str, most: int) -> str:
    """`name` as text for a message: printable, on one line, at most `most` characters."""
    name = "".join(c for c in " ".join(name.split()) if c.isprintable()) or "The image"
    end = 2 * most // 3
    return name if len(name) <= most else f"{name[: most - end - 1]}…{name[-end:]}"


def _check_bytes(count: int, name: str) -> None:
    if count == 0:
        raise InputError(f"{name} must hold a picture, but it is empty. Choose another file.")
    if count > MAX_BYTES:
        raise InputError(
            f"{name} must have at most {MAX_BYTES // 2**20} MiB, but it has more. "
            "Save it smaller and try again."
        )


@contextmanager
def _whatever_pillow_raises(name: str, kind: str) -> Iterator[None]:
    """Turn any failure of a decoder into a sentence.

    On hostile bytes Pillow raises OSError, SyntaxError, ValueError, EOFError, struct.error,
    zlib.error, AssertionError, MemoryError and more, and promises no list, so `Exception` is the
    honest one to name. It is sound because only decoding stands inside; the cause stays chained.
    """
    try:
        yield
    except Image.DecompressionBombError as error:
        limit = f"{MAX_PIXELS[kind] // 10**6} megapixels"
        raise InputError(
            f"{name} must have at most {limit}, but it says that it has many times more. "
            "Choose another picture."
        ) from error
    except Exception as error:
        raise InputError(
            f"{name} must be a whole PNG, JPEG or WebP picture, but it cannot be decoded: it "
            "seems to be damaged or cut short. Save it again or choose another one."
        ) from error


def _check_size(size: tuple[int, int], kind: str, name: str) -> None:
    width, height = size
    if width * height > MAX_PIXELS[kind]:
        raise InputError(
            f"{name} must have at most {MAX_PIXELS[kind] // 10**6} megapixels, but it has "
            f"{width} × {height} pixels. Save it smaller and try again."
        )
    if max(size) > MAX_ASPECT * min(size):
        raise InputError(
            f"{name} must be at most {MAX_ASPECT} times as long as it is wide, but it has "
            f"{width} × {height} pixels. Cut it and try again."
        )


def _reduced(image: Image.Image) -> Image.Image:
    """The decoded picture, at most MAX_SIDE long, in L, LA, RGB, RGBA or CMYK."""
    width, height = image.size
    scale = MAX_SIDE / max(width, height)
    # Of a long JPEG only a half, a quarter or an eighth is decoded; other kinds ignore this.
    image.draft(None, (max(1, int(width * scale)), max(1, int(height * scale))))
    image.load()
    if image.mode == "I;16":
        image = _eight_bit(image)
    mode = image.mode if image.mode == "CMYK" else "L" if image.mode in ("1", "L", "LA") else "RGB"
    if image.has_transparency_data:
        mode += "A"
    if image.mode != mode:
        image = _converted(image, mode)
    if scale < 1:
        image.thumbnail((MAX_SIDE, MAX_SIDE))
    return image


def _converted(image: Image.Image, mode: str) -> Image.Image:
    """The picture in another mode, and closed. A few rows at a time: of a whole one Pillow holds up
    to four copies while it converts."""
    converted = Image.new(mode, image.size)
    converted.info = image.info
    for top in range(0, image.height, _STRIP):
        strip = image.crop((0, top, image.width, min(top + _STRIP, image.height)))
        converted.paste(strip.convert(mode), (0, top))
    image.close()
    return converted


def _eight_bit(image: Image.Image) -> Image.Image:
    """A 16-bit grey picture scaled to 8 bits; Pillow would clip it."""
    values = np.asarray(image)
    image.close()  # the caller's name for it would keep 50 MB alive
    grey = Image.fromarray((values >> 8).astype(np.uint8))
    see_through = image.info.pop("transparency", None)
    if see_through is not None:
        grey.putalpha(Image.fromarray((values != see_through) * np.uint8(255)))
    grey.info = image.info
    return grey


_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _upright(image: Image.Image) -> Image.Image:
    """The picture turned as its EXIF says; EXIF that is broken or huge is no EXIF."""
    if len(image.info.get("exif") or b"") > _MAX_EXIF_BYTES:
        return image
    with suppress(Exception):
        turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
        if turn is not None:
            turned = image.transpose(turn)
            turned.info = image.info
            return turned
    return image


def _flatten(image: Image.Image) -> Image.Image:
    """The picture in sRGB on white, without metadata."""
    alpha = image.getchannel("A") if image.has_transparency_data else None
    colours = image.convert(image.mode.removesuffix("A"))
    profile = image.info.get("icc_profile")
    if profile and len(profile) <= _MAX_PROFILE_BYTES and _ANY_NUMBER_OF_STAGES not in profile:
        with suppress(ImageCms.PyCMSError):  # broken, or not for these channels
            colours = _to_srgb(colours, profile)
    flat = Image.new("RGB", image.size, "white")
    flat.paste(colours.convert("RGB"), mask=alpha)
    return flat


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    srgb = ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, io.BytesIO(profile), srgb, outputMode="RGB")
    return converted if converted is not None else image
