"""One image of many that are to be routed: its name as text, and how to come by its bytes. Light.

Names come from archives, tables and folders of strangers. They are shown and never used as paths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from hydranet.data.resize import fit_square
from hydranet.errors import InputError
from hydranet.intake.images import decode_image

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
IT = "It"
"""How the reason for a rejected image begins: its name stands beside it."""

_LONGEST_NAME = 200


@dataclass(frozen=True)
class Item:
    """`name`: text for a person, of at most 200 characters; `load` gives the bytes of the file, or
    raises InputError with the reason why there are none. `label`: its class as it came, by name (of
    its folder, or in its row) or by number; None where nothing says."""

    name: str
    load: Callable[[], bytes]
    label: str | int | None = None


def refused(name: str, reason: str, label: str | int | None = None) -> Item:
    """An item that cannot be had."""

    def load() -> NoReturn:
        raise InputError(reason)

    return Item(name, load, label)


def as_text(name: str) -> str:
    """A stranger's name as one printable line; what lies between begin and end of a long one is …

    Whatever cannot be printed (control characters, halves of surrogate pairs) becomes �.
    """
    if not name.isprintable():
        name = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    if len(name) <= _LONGEST_NAME:
        return name or "(no name)"
    return f"{name[:60]}…{name[-(_LONGEST_NAME - 61) :]}"


def pixels_of(item: Item, side: int) -> NDArray[np.uint8]:
    """(side, side, 3): what a network sees of the item; InputError where it cannot be read."""
    return decoded(item.load(), side)


def decoded(content: bytes, side: int) -> NDArray[np.uint8]:
    """The same of a file."""
    return fit_square(decode_image(content, name=IT), side)
