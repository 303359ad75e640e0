"""Which branch took which patch of an image. Pure functions."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.charts.figure import BARE, figure
from app.charts.palette import branch_colour, on
from hydranet.routing.answer import Answer

_SIDE, _OPACITY = 380, 0.62


def patch_map(found: Answer, pixels: NDArray[np.uint8], *, num_branches: int) -> go.Figure:
    """The image, and over every patch the colour and number of the branch that counts most for it;
    hovering says which others it went to. `pixels`: (side, side, 3), what the network sees."""
    assert found.tokens is not None, "only where tokens have routes"
    first, hover = first_of_each(found), hover_of_each(found)
    across = first.shape[1]
    step = len(pixels) / across  # pixels a patch
    places = (np.arange(across) + 0.5) * step - 0.5
    colours = [branch_colour(b) for b in range(num_branches)]
    stops = [
        [at, colour]
        for b, colour in enumerate(colours)
        for at in (b / num_branches, (b + 1) / num_branches)
    ]
    patches = {
        "type": "heatmap",
        "x": places,
        "y": places,
        "z": first,
        "zmin": -0.5,
        "zmax": num_branches - 0.5,
        "colorscale": stops,
        "opacity": _OPACITY,
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
        "hovertext": hover,
        "hoverinfo": "text",
        "name": "patches",
    }
    numbers = [
        {
            "x": places[column], "y": places[row], "text": str(first[row, column]),
            "showarrow": False,
            "font": {"size": 11, "color": on(colours[first[row, column]])},
        }
        for row in range(across)
        for column in range(across)
    ]  # fmt: skip
    layout = {
        "title": {"text": f"Which {found.policy.branch} took which patch"},
        "height": _SIDE + 44,
        "width": _SIDE,
        "margin": {"l": 4, "r": 4, "t": 40, "b": 4},
        "annotations": numbers,
        "xaxis": {"visible": False, "fixedrange": True, "range": [-0.5, len(pixels) - 0.5]},
        "yaxis": {
            "visible": False, "fixedrange": True, "range": [len(pixels) - 0.5, -0.5],
            "scaleanchor": "x",
        },
        **BARE,
    }  # fmt: skip
    return figure([{"type": "image", "z": pixels, "hoverinfo": "skip"}, patches], layout)


def first_of_each(found: Answer) -> NDArray[np.int64]:
    """(h, w): the branch that counts most for each patch."""
    assert found.tokens is not None, "only where tokens have routes"
    side = round(len(found.tokens) ** 0.5)
    return found.tokens[:, 0].reshape(side, side)


def hover_of_each(found: Answer) -> NDArray[np.str_]:
    """(h, w): to which branches each patch went, with what weights."""
    assert found.tokens is not None, "only where tokens have routes"
    assert found.token_weights is not None, "they come with the routes"
    said = [
        ", ".join(
            f"{found.policy.branch} {b} ({100 * w:.0f} %)"
            for b, w in zip(row, weights, strict=True)
            if b >= 0
        )
        for row, weights in zip(found.tokens.tolist(), found.token_weights.tolist(), strict=True)
    ]
    return np.array(said).reshape(first_of_each(found).shape)


def patches_text(found: Answer) -> str:
    """How many patches each branch is first for."""
    first = first_of_each(found)
    counts = np.bincount(first.ravel())
    each = ", ".join(
        f"{found.policy.branch} {b} {count}" for b, count in enumerate(counts) if count
    )
    return (
        f"The image in {first.shape[0]} by {first.shape[1]} patches, each in the colour of the "
        f"{found.policy.branch} that counts most for it. Patches of each: {each}."
    )
