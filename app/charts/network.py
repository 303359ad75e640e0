"""The network as a picture: stem → gate → branches → combiner, with the route lit.

Pure: card and prediction in, Plotly figure out.
"""

from __future__ import annotations

from itertools import pairwise

import plotly.graph_objects as go

from app.charts.palette import ACCENT, QUIET, branch_colour
from hydranet.card import Card
from hydranet.prediction import Prediction

_STEM, _GATE, _BRANCH, _BAR, _COMBINER = 0.0, 1.0, 2.1, 2.22, 4.0
_BAR_LENGTH = 1.1
_LABEL_END = 0.42
_CLASSES_A_LINE = 3
_LONG = 8
_LEAST = 0.01


def network_picture(card: Card, prediction: Prediction, *, height: int = 560) -> go.Figure:
    """The parts of a network; what ran for the image is coloured, the rest is grey.

    Each branch has a row: its number, and a bar as long as the gate's confidence in it. A line's
    width is the weight of the branch in the answer. Hovering a branch lists its subtask.
    """
    figure = go.Figure()
    if card.subtasks:
        _draw_hydra(figure, card, prediction)
        title = _fired_title(prediction.fired, len(card.subtasks))
    else:
        _draw_static(figure, card)
        title = "A static network: every image runs all of it"
    figure.update_layout(
        title={"text": title, "font": {"size": 16}, "x": 0, "xanchor": "left"},
        height=height,
        margin={"l": 4, "r": 4, "t": 36, "b": 4},
        showlegend=False,
        hovermode="closest",
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
    )
    figure.update_xaxes(visible=False, range=[-0.45, _COMBINER + 0.45], fixedrange=True)
    figure.update_yaxes(visible=False, fixedrange=True)
    return figure


def _fired_title(fired: tuple[int, ...], count: int) -> str:
    if len(fired) == count:
        return f"All {count} branches fired"
    if len(fired) == 1:
        return f"Branch {fired[0]} of {count} fired"
    if len(fired) > _LONG:
        return f"{len(fired)} of {count} branches fired"
    return f"Branches {', '.join(map(str, fired[:-1]))} and {fired[-1]} of {count} fired"


def _draw_hydra(figure: go.Figure, card: Card, prediction: Prediction) -> None:
    count = len(card.subtasks)
    rows = [float(count - 1 - branch) for branch in range(count)]
    middle = (count - 1) / 2
    weights = dict(zip(prediction.fired, prediction.weights, strict=True))
    _edge(figure, (_STEM, middle), (_GATE, middle), ACCENT, 4.0)
    for branch in range(count):
        colour = branch_colour(branch) if branch in weights else QUIET
        width = 1.5 + 9 * weights[branch] if branch in weights else 0.5
        _edge(figure, (_GATE, middle), (_BRANCH, rows[branch]), colour, width)
        if branch in weights:
            end = (_COMBINER, middle)
            _edge(figure, (_BAR + _BAR_LENGTH + _LABEL_END, rows[branch]), end, colour, width)
    _draw_bars(figure, card, prediction, rows, weights)
    macs = card.costs
    _part(figure, _STEM, middle, "stem", f"Stem: {macs.stem.macs / 1e6:.2f} M MACs, always runs")
    _part(figure, _GATE, middle, "gate", f"Gate: {macs.gate.macs / 1e6:.2f} M MACs, always runs")
    _part(
        figure,
        _COMBINER,
        middle,
        "combiner",
        f"Combiner: {macs.combiner.macs / 1e6:.3f} M MACs, joins the fired branches",
    )
    headings = ((_STEM, "stem"), (_GATE, "gate"), (_COMBINER, "combiner"))
    for x, text in (*headings, (_BRANCH + 0.45, "branches, gate's confidence")):
        figure.add_annotation(x=x, y=count + 0.1, text=text, showarrow=False)
    figure.update_yaxes(range=[-0.7, count + 0.6])


def _draw_bars(
    figure: go.Figure,
    card: Card,
    prediction: Prediction,
    rows: list[float],
    weights: dict[int, float],
) -> None:
    """Branches as numbered squares, and the gate's confidence in each as a bar beside it."""
    confidence = prediction.gate_confidence
    longest = max(float(confidence.max()), 1e-9)
    colours = [branch_colour(b) if b in weights else QUIET for b in range(len(rows))]
    numbers = ["white" if b in weights else QUIET for b in range(len(rows))]
    for branch, row in enumerate(rows):
        share = float(confidence[branch])
        end = _BAR + _BAR_LENGTH * share / longest
        figure.add_trace(_line((_BAR, row), (end, row), colours[branch], 7.0))
        if branch in weights:
            figure.add_annotation(
                x=_BAR + _BAR_LENGTH + _LABEL_END - 0.04,
                y=row,
                text=f"{100 * share:.0f} %" if share >= _LEAST else f"&lt; {100 * _LEAST:.0f} %",
                showarrow=False,
                xanchor="right",
            )
    figure.add_trace(
        go.Scatter(
            x=[_BRANCH] * len(rows),
            y=rows,
            mode="markers+text",
            marker={
                "symbol": "square",
                "size": 20,
                "color": colours,
                "opacity": [1.0 if b in weights else 0.35 for b in range(len(rows))],
            },
            text=[str(branch) for branch in range(len(rows))],
            textfont={"size": 11, "color": numbers},
            customdata=list(range(len(rows))),
            hovertext=[_branch_text(card, prediction, b, weights) for b in range(len(rows))],
            hoverinfo="text",
            name="branches",
        )
    )


def _branch_text(card: Card, prediction: Prediction, branch: int, weights: dict[int, float]) -> str:
    names = [_escape(card.class_names[c]) for c in card.subtasks[branch]]
    lines = [
        ", ".join(names[i : i + _CLASSES_A_LINE]) for i in range(0, len(names), _CLASSES_A_LINE)
    ]
    verdict = f"fired, weight {weights[branch]:.3f}" if branch in weights else "did not fire"
    return (
        f"<b>Branch {branch}</b>: {verdict}<br>"
        f"gate score {float(prediction.gate_scores[branch]):.2f}, "
        f"confidence {100 * float(prediction.gate_confidence[branch]):.1f} %<br>"
        f"Subtask: {'<br>'.join(lines)}"
    )


def _draw_static(figure: go.Figure, card: Card) -> None:
    places = ((0.6, "stem"), (2.0, "last stage"), (3.4, "output"))
    for (left, _), (right, _) in pairwise(places):
        _edge(figure, (left, 0.0), (right, 0.0), ACCENT, 4.0)
    for x, name in places:
        hover = f"{name}: all of {card.costs.routed_macs / 1e6:.1f} M MACs always run"
        _part(figure, x, 0.0, name, hover)
        figure.add_annotation(x=x, y=0.0, text=name, showarrow=False, yshift=-30)
    figure.update_yaxes(range=[-1, 1])


def _part(figure: go.Figure, x: float, y: float, name: str, hover: str) -> None:
    figure.add_trace(
        go.Scatter(
            x=[x],
            y=[y],
            mode="markers",
            marker={"symbol": "circle", "size": 34, "color": ACCENT},
            hovertext=[hover],
            hoverinfo="text",
            name=name,
        )
    )


def _edge(
    figure: go.Figure,
    start: tuple[float, float],
    end: tuple[float, float],
    colour: str,
    width: float,
) -> None:
    figure.add_trace(_line(start, end, colour, width))


def _line(
    start: tuple[float, float], end: tuple[float, float], colour: str, width: float
) -> go.Scatter:
    return go.Scatter(
        x=[start[0], end[0]],
        y=[start[1], end[1]],
        mode="lines",
        line={"color": colour, "width": width},
        hoverinfo="skip",
    )


def _escape(text: str) -> str:
    """Class names come from files: shown as text, not as Plotly's HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
