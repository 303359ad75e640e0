"""The images behind a route log, where they are at hand: from the number of a row to its file.

Draws nothing. Rows of a log are numbered by the place of the image in its data set.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import streamlit as st
from PIL import Image

from app.server.paths import DATA, data_folder
from hydranet.bulk.items import Item
from hydranet.checkpoints import Checkpoint
from hydranet.data import LabelledImages, load_images
from hydranet.errors import InputError


class ImageFile(NamedTuple):
    """An image file: its name for a person, and its bytes."""

    name: str
    content: bytes


class DataImages(Protocol):
    """Where images come from."""

    def load(self, indices: Collection[int]) -> dict[int, ImageFile]:
        """Those of the images with these numbers that can be had."""
        ...


@dataclass(frozen=True)
class OfItems:
    """Images in a stream that repeats: one pass for any number of them."""

    items: Callable[[], Iterator[Item]]

    def load(self, indices: Collection[int]) -> dict[int, ImageFile]:
        """See `DataImages`."""
        found, left = {}, set(indices)
        for index, item in enumerate(self.items() if left else ()):
            if index in left:
                left.remove(index)
                with suppress(InputError):  # gone or changed since it was routed
                    found[index] = ImageFile(item.name, item.load())
                if not left:
                    break
        return found


@dataclass(frozen=True)
class OfImageSet:
    """Images of a data set, as the network saw them."""

    images: LabelledImages

    def load(self, indices: Collection[int]) -> dict[int, ImageFile]:
        """See `DataImages`."""
        inside = (index for index in indices if 0 <= index < len(self.images))
        return {index: ImageFile(f"test image {index}", self._png(index)) for index in inside}

    def _png(self, index: int) -> bytes:
        sink = io.BytesIO()
        Image.fromarray(self.images.pixels(np.array([index]))[0]).save(sink, "PNG")
        return sink.getvalue()


@dataclass(frozen=True)
class AtHand:
    """The images, or a sentence that says why there are none."""

    images: DataImages | None
    why: str = ""


def of_test_images(checkpoint: Checkpoint) -> AtHand:
    """The images that a checkpoint was tested on, if this server has them: the card knows their
    SHA-256."""
    folder, card = data_folder(), checkpoint.card
    if folder is None:
        return AtHand(
            None,
            "The images themselves are not part of a checkpoint. They show where the server knows "
            f"the folder of {card.data.name}, by the environment variable {DATA}.",
        )
    try:
        images = _test_images(str(folder), card.architecture.image_size)
    except InputError as error:
        return AtHand(None, str(error))
    if images.sha256 != card.data.test_sha256:
        return AtHand(
            None,
            f"The test images in the folder that {DATA} names are not those that {checkpoint.name} "
            "was tested on: their SHA-256 is not the one on its card.",
        )
    return AtHand(OfImageSet(images))


@st.cache_resource(max_entries=2, show_spinner="Reading the test images…")
def _test_images(folder: str, image_size: int) -> LabelledImages:
    images = load_images(Path(folder), "test", image_size=image_size)
    _ = images.sha256  # computed once, here
    return images
