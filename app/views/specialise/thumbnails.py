"""The images of a slice, where they are at hand: small beside their rows, whole on Inspect."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import state
from app.data_images import AtHand, DataImages, of_test_images
from app.datasets import DataSet
from app.handed_over.roll import thumbnail
from app.views.notices import refused
from app.views.to_inspect import open_on_inspect
from hydranet.errors import InputError
from hydranet.intake.images import decode_image

_SIDE = 64
_PAGE = "slice_thumbnails"


def images_of(data: DataSet) -> AtHand:
    """The images of a data set, or why there are none."""
    if data.own is None:
        return of_test_images(data.checkpoint)
    if data.images is None:
        return AtHand(None, "A route log holds no images; hand the images over to see them here.")
    return AtHand(data.images)


def thumbnails(data: DataSet, found: DataImages, indices: Sequence[int]) -> dict[int, str]:
    """A data URI of each image of a page that can be had. The last page is kept, in the session."""
    asked = (data.key, tuple(indices))
    kept = st.session_state.get(_PAGE)
    if kept is None or kept[0] != asked:
        kept = asked, _small(found, indices)
        st.session_state[_PAGE] = kept
    shown: dict[int, str] = kept[1]
    return shown


def _small(found: DataImages, indices: Sequence[int]) -> dict[int, str]:
    small = {}
    for index, image in found.load(indices).items():
        try:
            small[index] = thumbnail(decode_image(image.content), _SIDE)
        except InputError:
            continue  # changed since it was routed: its row stands without an image
    return small


def inspect_image(data: DataSet, found: DataImages, index: int) -> None:
    """Go to Inspect with the image of that number."""
    image = found.load([index]).get(index)
    if image is None:
        refused(f"Image {index} cannot be read any more. Hand the images over again.")
        return
    card = data.card
    own: dict[str, object] = {
        state.K: card.costs.k,
        state.threshold_of(card.policy): round(100 * card.threshold),
    }
    settings = own if card.costs.num_branches else None  # with which it was routed
    open_on_inspect(image.name, image.content, data.checkpoint, settings)
