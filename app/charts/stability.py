"""What turning a dial on the image does: picture, probability, answer and route at every setting.

Pure: steps in, Plotly figure out.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image
from plotly.subplots import make_subplots

from app.charts.html import escaped
from app.charts.palette import ACCENT, QUIET, branch_colour

CHANGED = "#d55e00"
"""An answer other than that on the unchanged image."""

_PICTURES_PX, _CURVES_PX, _ROW_PX, _REST_PX = 64, 190, 24, 96
_GAP = 0.03
_THUMB = 64


@dataclass(frozen=True, kw_only=True)
class Step:
    """The network on the image at one setting of a dial.

    `label`: the setting without its unit; `pixels`: (side, side, 3) uint8, what the network sees;
    `fired`: empty for a static network; `answer`: its name; `same`: whether it is the answer on the
    unchanged image, of which `free` is the probability and `held` the one with the route of the
    unchanged image, both in percent.
    """

    label: str
    pixels: NDArray[np.uint8]
    fired: tuple[int, ...]
    answer: str
    same: bool
    free: float
    held: float

    @property
    def by_route(self) -> float:
        """Percentage points that the change of route adds."""
        return self.free - self.held


def signed(points: float, digits: int = 0) -> str:
    """A difference with its sign."""
    return f"{points:+.{digits}f}".replace("-", "−")


def rows_of(steps: Sequence[Step], unchanged: int) -> list[int]:
    """The branches that fire anywhere, those of the unchanged image first."""
    first = list(steps[unchanged].fired)
    return first + sorted({b for step in steps for b in step.fired} - set(first))


def stability_figure(
    steps: Sequence[Step], *, unchanged: int, original: str, dial: str
) -> go.Figure:
    """Three panels over the settings: pictures, probability of the original answer, then answer
    and fired branches as marks.

    `unchanged`: which step is the image as it came; `original`: the answer there; `dial`: its name
    and unit.
    """
    branches = rows_of(steps, unchanged)
    cells = _ROW_PX * (len(branches) + 1)
    heights = [_PICTURES_PX, _CURVES_PX, cells]
    figure = make_subplots(
        rows=3, cols=1, shared_xaxes=True, vertical_spacing=_GAP, row_heights=heights
    )
    for place, step in enumerate(steps):
        figure.add_layout_image(
            source=_source(step.pixels), x=place, y=0.5, sizex=0.94, sizey=1, sizing="contain",
            xanchor="center", yanchor="middle", xref="x", yref="y", layer="above",
        )  # fmt: skip
    figure.add_trace(_anchor(steps), row=1, col=1)
    figure.add_traces(_curves(steps, held=bool(branches)), rows=2, cols=1)
    figure.add_traces(_cells(steps, branches, unchanged), rows=3, cols=1)
    for row in (2, 3):
        figure.add_vline(
            x=unchanged, line={"color": QUIET, "width": 1, "dash": "dot"}, row=row, col=1
        )
    figure.update_layout(
        height=sum(heights) + _REST_PX,
        margin={"l": 0, "r": 8, "t": 32, "b": 0},
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"},
        hovermode="closest",
    )
    figure.update_yaxes(visible=False, range=[0, 1], fixedrange=True, row=1, col=1)
    top = 1.1 * max(max(step.free, step.held) for step in steps)
    figure.update_yaxes(
        title_text=f"{escaped(original)} (%)", range=[0, max(top, 1.0)], nticks=5,
        fixedrange=True, row=2, col=1,
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(range(len(branches) + 1)),
        ticktext=["answer", *(f"branch {b}" for b in branches)],
        range=[len(branches) + 0.6, -0.6],
        showgrid=False, zeroline=False, fixedrange=True, row=3, col=1,
    )  # fmt: skip
    figure.update_xaxes(
        tickvals=list(range(len(steps))), range=[-0.5, len(steps) - 0.5],
        showgrid=False, zeroline=False, fixedrange=True,
    )  # fmt: skip
    figure.update_xaxes(
        ticktext=[step.label for step in steps], title_text=escaped(dial), row=3, col=1
    )
    return figure


def _source(pixels: NDArray[np.uint8]) -> str:
    """A picture as a data address, enlarged without smoothing."""
    buffer = io.BytesIO()
    picture = Image.fromarray(pixels).resize((_THUMB, _THUMB), Image.Resampling.NEAREST)
    picture.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _anchor(steps: Sequence[Step]) -> go.Scatter:
    """Unseen points behind the pictures: a panel without a trace is not drawn."""
    return go.Scatter(
        x=list(range(len(steps))), y=[0.5] * len(steps), mode="markers", opacity=0,
        hoverinfo="skip", showlegend=False, name="pictures",
    )  # fmt: skip


def _curves(steps: Sequence[Step], *, held: bool) -> list[go.Scatter]:
    """The probability as it is, and, where there is a route, with the route held."""
    places = list(range(len(steps)))
    texts = [_split(step, held) for step in steps]
    free = go.Scatter(
        x=places, y=[step.free for step in steps], name="route free", mode="lines+markers",
        line={"color": ACCENT, "width": 2}, hovertext=texts, hoverinfo="text", showlegend=held,
    )  # fmt: skip
    if not held:
        return [free]
    still = go.Scatter(
        x=places, y=[step.held for step in steps], name="route held", mode="lines+markers",
        line={"color": QUIET, "width": 2, "dash": "dash"}, marker={"symbol": "circle-open"},
        fill="tonexty", fillcolor="rgba(213, 94, 0, 0.18)", hovertext=texts, hoverinfo="text",
    )  # fmt: skip
    return [free, still]


def _split(step: Step, held: bool) -> str:
    shown = f"{step.label}: {step.free:.1f} %"
    if not held:
        return shown
    route = f"the route adds {signed(step.by_route, 1)} points"
    return f"{shown}<br>route held: {step.held:.1f} %<br>{route}"


def _cells(steps: Sequence[Step], branches: Sequence[int], unchanged: int) -> list[go.Scatter]:
    """A mark for the answer at each setting, and one for each branch that fired."""
    answers = go.Scatter(
        x=list(range(len(steps))),
        y=[0] * len(steps),
        name="answer",
        mode="markers",
        marker={
            "symbol": ["circle" if step.same else "x" for step in steps],
            "color": [ACCENT if step.same else CHANGED for step in steps],
            "size": 11,
        },
        hovertext=[f"{step.label}: {escaped(step.answer)}, {_sameness(step)}" for step in steps],
        hoverinfo="text",
        showlegend=False,
    )
    own = set(steps[unchanged].fired)
    lit = [
        (place, row, branch)
        for row, branch in enumerate(branches, start=1)
        for place, step in enumerate(steps)
        if branch in step.fired
    ]
    if not lit:
        return [answers]
    fired = go.Scatter(
        x=[place for place, _, _ in lit],
        y=[row for _, row, _ in lit],
        name="fired",
        mode="markers",
        marker={
            "symbol": ["square" if branch in own else "diamond" for *_, branch in lit],
            "color": [branch_colour(branch) for *_, branch in lit],
            "size": 15,
        },
        hovertext=[
            f"{steps[place].label}: branch {branch} fired"
            + ("" if branch in own else ", not so on the unchanged image")
            for place, _, branch in lit
        ],
        hoverinfo="text",
        showlegend=False,
    )
    return [answers, fired]


def _sameness(step: Step) -> str:
    return "the same answer" if step.same else "another answer"
