"""Maps of what speaks for and against, laid over the image. Pure: arrays in, pictures out.

One symmetric scale for all maps that stand together: a pixel that counts as much has the same
colour in each. Red and blue are told apart by colour-blind eyes; what counts little lets the pale
grey image through, so that the maps are read alike on a light and a dark page. The colour bar has
the colours of the map where the pale image is as bright as it is on average.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image
from plotly.subplots import make_subplots

FOR, AGAINST = (178, 24, 43), (33, 102, 172)
"""Red and blue of the diverging scale RdBu (ColorBrewer)."""

THUMB = 140
"""Side of a thumbnail in pixels."""

_OPAQUE = 0.92
_CLIPPED = 99.5
_PALE = 0.42
_FRAME = 4
_HEIGHT = 340


def symmetric_limit(maps: Iterable[NDArray[np.float32]]) -> float:
    """The value that has the full colour in all maps: the largest of their 99.5th percentiles."""
    limit = max(float(np.percentile(np.abs(values), _CLIPPED)) for values in maps)
    return limit if limit > 0 else 1.0


def attribution_figure(
    pixels: NDArray[np.uint8], values: NDArray[np.float32], *, limit: float, unit: str
) -> go.Figure:
    """The image beside the map over its pale copy; `pixels`: (H, W, 3), `values`: (H, W).

    `limit`: see `symmetric_limit`; `unit`: of the values, beside the colour bar.
    """
    pale = _pale(pixels)
    figure = make_subplots(
        rows=1, cols=2, horizontal_spacing=0.03,
        subplot_titles=("what the network sees", "what counts for it"),
    )  # fmt: skip
    figure.add_trace(go.Image(z=pixels, hoverinfo="skip"), row=1, col=1)
    figure.add_trace(go.Image(z=pale, hoverinfo="skip"), row=1, col=2)
    figure.add_trace(
        go.Heatmap(
            z=values.astype(np.float32),
            coloraxis="coloraxis",
            hovertemplate="row %{y}, column %{x}: %{z:+.3g} " + unit + "<extra></extra>",
            name="map",
        ),
        row=1,
        col=2,
    )
    figure.add_trace(_bar_only("coloraxis2"), row=1, col=2)
    span = {"cmin": -limit, "cmax": limit}
    figure.update_annotations(font_size=13)
    figure.update_layout(
        height=_HEIGHT,
        margin={"l": 0, "r": 0, "t": 78, "b": 0},
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
        coloraxis={**span, "colorscale": _colour_scale(), "showscale": False},
        coloraxis2={
            **span,
            "colorscale": _colour_scale(ground=float(pale.mean())),
            "colorbar": {
                "title": {"text": unit, "side": "top"}, "orientation": "h", "nticks": 5,
                "thickness": 10, "len": 0.46, "x": 0.76, "y": 1.08, "yanchor": "bottom", "ypad": 0,
            },
        },
    )  # fmt: skip
    figure.update_xaxes(visible=False, fixedrange=True, constrain="domain")
    figure.update_yaxes(visible=False, fixedrange=True, constrain="domain", constraintoward="top")
    return figure


def tinted(
    pixels: NDArray[np.uint8], values: NDArray[np.float32], *, limit: float
) -> NDArray[np.uint8]:
    """The map over the pale image in the colours of `attribution_figure`: (H, W, 3)."""
    strength = np.clip(np.abs(values) / limit, 0, 1)[..., None] * _OPAQUE  # (H, W, 1)
    colour = np.where(values[..., None] > 0, np.array(FOR), np.array(AGAINST))  # (H, W, 3)
    blended = strength * colour + (1 - strength) * _pale(pixels)
    return np.round(blended).astype(np.uint8)


def thumbnail(
    pixels: NDArray[np.uint8], values: NDArray[np.float32], *, limit: float, frame: str
) -> Image.Image:
    """`tinted`, enlarged without smoothing, in a frame of the colour `frame` (#rrggbb)."""
    side = THUMB - 2 * _FRAME
    small = Image.fromarray(tinted(pixels, values, limit=limit))
    whole = Image.new("RGB", (THUMB, THUMB), frame)
    whole.paste(small.resize((side, side), Image.Resampling.NEAREST), (_FRAME, _FRAME))
    return whole


def _colour_scale(ground: float | None = None) -> list[tuple[float, str]]:
    """Blue, through nothing, to red, by opacity alone; opaque as over a grey `ground`, if given."""

    def colour(full: tuple[int, int, int], opacity: float) -> str:
        if ground is None:
            return f"rgba({', '.join(map(str, full))}, {opacity})"
        mixed = (round(opacity * c + (1 - opacity) * ground) for c in full)
        return f"rgb({', '.join(map(str, mixed))})"

    return [
        (0.0, colour(AGAINST, _OPAQUE)),
        (0.5, colour(AGAINST, 0)),
        (0.5, colour(FOR, 0)),
        (1.0, colour(FOR, _OPAQUE)),
    ]


def _bar_only(axis: str) -> go.Scatter:
    """Nothing but the colour bar of a colour axis: that of the map itself would show its colours
    over the page, not over the image."""
    return go.Scatter(
        x=[None], y=[None], mode="markers", marker={"color": [0], "coloraxis": axis},
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip


def _pale(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image in pale greys: (H, W, 3)."""
    grey = np.asarray(Image.fromarray(pixels).convert("L"), np.float32)
    pale = 255 - _PALE * (255 - grey)
    return np.repeat(np.round(pale).astype(np.uint8)[..., None], 3, axis=2)
