"""Maps of attributions: what they hold, one scale, size of the message, words."""

from __future__ import annotations

import re

import numpy as np
import pytest

from app.charts.attribution import (
    AGAINST,
    FOR,
    attribution_figure,
    symmetric_limit,
    thumbnail,
    tinted,
)
from app.charts.attribution_words import map_text, meaning

PIXELS = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
GREY = np.full((32, 32, 3), 128, np.uint8)


def a_map(strength: float, seed: int = 0) -> np.ndarray:
    values = strength * np.random.default_rng(seed).normal(size=(32, 32))
    return values.astype(np.float32)


def test_the_figure_holds_image_and_values_on_a_symmetric_scale() -> None:
    values = a_map(2.0)
    figure = attribution_figure(PIXELS, values, limit=3.0, unit="logit")
    image, _, heat, _ = figure.data
    assert (image.z == PIXELS).all()
    assert (heat.z == values).all()
    for axis in (figure.layout.coloraxis, figure.layout.coloraxis2):
        assert (axis.cmin, axis.cmax) == (-3.0, 3.0)
    assert figure.layout.coloraxis2.colorbar.title.text == "logit"


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_the_bar_shows_the_colours_of_the_map(grey: int) -> None:
    pixels = np.full((1, 5, 3), grey, np.uint8)
    values = np.array([[-2.0, -1.0, 0.0, 1.0, 2.0]], np.float32)
    layout = attribution_figure(pixels, values, limit=2.0, unit="logit").layout
    assert layout.coloraxis.showscale is False
    scale = layout.coloraxis2.colorscale
    colours = np.array([[int(c) for c in re.findall(r"\d+", colour)] for _, colour in scale])
    assert colours.shape == (4, 3), "opaque: the page does not shine through"
    where = (values[0] + 2) / 4
    shown = [np.interp(where, [place for place, _ in scale], part) for part in colours.T]
    assert np.abs(np.transpose(shown) - tinted(pixels, values, limit=2.0)[0]).max() <= 1


@pytest.mark.parametrize("side", [16, 32, 64])
def test_the_message_is_small(side: int) -> None:
    pixels = np.zeros((side, side, 3), np.uint8)
    values = np.random.default_rng(0).normal(size=(side, side)).astype(np.float32)
    figure = attribution_figure(pixels, values, limit=1.0, unit="")
    assert len(figure.to_json()) < 500_000


def test_one_limit_serves_all_maps_and_the_strongest_sets_it() -> None:
    weak, strong = a_map(0.1), a_map(5.0)
    assert symmetric_limit([weak, strong]) == symmetric_limit([strong])
    assert symmetric_limit([weak]) < symmetric_limit([strong])
    assert symmetric_limit([np.zeros((4, 4), np.float32)]) == 1.0


def test_on_one_scale_equal_values_have_equal_colours() -> None:
    one, other = np.zeros((2, 32, 32), np.float32)
    one[3, 3] = other[7, 9] = 0.5
    limit = symmetric_limit([a_map(1.0)])
    assert (tinted(GREY, one, limit=limit)[3, 3] == tinted(GREY, other, limit=limit)[7, 9]).all()


def test_red_speaks_for_and_blue_against_and_nothing_leaves_the_grey_image() -> None:
    values = np.zeros((32, 32), np.float32)
    values[0, 0], values[0, 1] = 9.0, -9.0
    shown = tinted(GREY, values, limit=1.0).astype(int)
    assert np.abs(shown[0, 0] - FOR).max() < 15
    assert np.abs(shown[0, 1] - AGAINST).max() < 15
    assert len(set(shown[5, 5])) == 1


def test_a_thumbnail_is_framed_in_the_colour_of_its_branch() -> None:
    picture = thumbnail(PIXELS, a_map(1.0), limit=1.0, frame="#0072b2")
    assert picture.getpixel((0, 0)) == (0x00, 0x72, 0xB2)
    assert picture.width == picture.height


def test_words_say_where_a_map_is_strong() -> None:
    values = np.zeros((30, 30), np.float32)
    values[0:5, 0:5], values[25:, 12:18] = 1.0, -1.0
    text = map_text("the logit of cat", values)
    assert "100 percent of what speaks for lies upper left" in text
    assert "100 percent of what speaks against lies lower centre" in text
    assert "nothing counts" in map_text("it", np.zeros((30, 30), np.float32))


def test_every_method_has_its_sentence() -> None:
    from hydranet.explain.methods import METHODS

    assert all(meaning(method.name).endswith(".") for method in METHODS)
