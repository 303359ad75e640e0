"""The network as a picture: stem → gate → branches → combiner, with the route lit.

Pure: card and answer in, Plotly figure out.
"""

from __future__ import annotations

from itertools import pairwise

import plotly.graph_objects as go

from app.charts.palette import ACCENT, QUIET, branch_colour
from hydranet.answer import Answer
from hydranet.card import Card

_STEM, _GATE, _BRANCH, _BAR, _COMBINER = 0.0, 1.0, 2.1, 2.22, 4.0
_BAR_LENGTH = 1.1
_LABEL_END = _BAR + _BAR_LENGTH + 0.42
_CLASSES_A_LINE = 3
_LONG = 8
_LEAST = 0.01

Point = tuple[float, float]


def network_picture(card: Card, found: Answer, *, height: int = 560) -> go.Figure:
    """The parts of a network; what ran for the image is coloured, the rest is grey.

    Each branch has a row: its number, and a bar as long as the gate's confidence in it. A line's
    width is the weight of the branch in the answer. Hovering a branch lists its subtask.
    """
    figure = go.Figure()
    count = card.costs.num_branches
    if count:
        _draw_hydra(figure, card, found)
        title = _fired_title(found.fired, count)
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


def _draw_hydra(figure: go.Figure, card: Card, found: Answer) -> None:
    count = card.costs.num_branches
    rows = [float(count - 1 - branch) for branch in range(count)]
    middle = (count - 1) / 2
    weights = dict(zip(found.fired, found.weights, strict=True))
    traces = [_lines([((_STEM, middle), (_GATE, middle))], ACCENT, 4.0)]
    traces += _draw_edges(rows, weights)
    traces += _draw_bars(found, rows, weights)
    traces += [_draw_branches(card, found, rows, weights), _draw_texts(found, rows)]
    costs = card.costs
    discs = {
        (_STEM, middle): ("stem", f"Stem: {costs.stem.macs / 1e6:.2f} M MACs, always runs"),
        (_GATE, middle): ("gate", _gate_text(card)),
        (_COMBINER, middle): (
            "combiner",
            f"Combiner: {costs.combiner.macs / 1e6:.3f} M MACs, joins the fired branches",
        ),
    }
    figure.add_traces([*traces, _parts(discs)])
    figure.update_yaxes(range=[-0.7, count + 0.6])


def _gate_text(card: Card) -> str:
    if not card.architecture.has_subtasks:
        return "No gate: every head counts alike"
    return f"Gate: {card.costs.gate.macs / 1e6:.2f} M MACs, always runs"


def _draw_edges(rows: list[float], weights: dict[int, float]) -> list[go.Scatter]:
    """From the gate to every branch, and from the fired ones to the combiner."""
    middle = (len(rows) - 1) / 2
    gate, combiner = (_GATE, middle), (_COMBINER, middle)
    quiet = [(gate, (_BRANCH, row)) for b, row in enumerate(rows) if b not in weights]
    fired = [
        _lines(
            [(gate, (_BRANCH, rows[b])), ((_LABEL_END, rows[b]), combiner)],
            branch_colour(b),
            1.5 + 9 * weight,
        )
        for b, weight in weights.items()
    ]
    return [_lines(quiet, QUIET, 0.5), *fired]


def _draw_bars(found: Answer, rows: list[float], weights: dict[int, float]) -> list[go.Scatter]:
    """The gate's confidence in each branch as a bar beside it."""
    confidence = found.gate_confidence
    scale = _BAR_LENGTH / max(float(confidence.max()), 1e-9)
    bars = [((_BAR, row), (_BAR + scale * float(confidence[b]), row)) for b, row in enumerate(rows)]
    quiet = [bar for b, bar in enumerate(bars) if b not in weights]
    return [
        _lines(quiet, QUIET, 7.0),
        *(_lines([bars[b]], branch_colour(b), 7.0) for b in weights),
    ]


def _draw_texts(found: Answer, rows: list[float]) -> go.Scatter:
    """The gate's confidence in the fired branches, and a heading over each kind of part."""
    top = len(rows) + 0.1
    texts = [
        (_STEM, top, "stem", "middle center"),
        (_GATE, top, "gate", "middle center"),
        (_BRANCH + 0.45, top, "branches, gate's confidence", "middle center"),
        (_COMBINER, top, "combiner", "middle center"),
    ]
    for branch in found.fired:
        share = float(found.gate_confidence[branch])
        text = f"{100 * share:.0f} %" if share >= _LEAST else f"&lt; {100 * _LEAST:.0f} %"
        texts.append((_LABEL_END - 0.02, rows[branch], text, "middle left"))
    x, y, shown, position = zip(*texts, strict=True)
    return go.Scatter(
        x=x, y=y, text=shown, textposition=position, mode="text", hoverinfo="skip", cliponaxis=False
    )


def _draw_branches(
    card: Card, found: Answer, rows: list[float], weights: dict[int, float]
) -> go.Scatter:
    """Branches as numbered squares."""
    everyone = range(len(rows))
    return go.Scatter(
        x=[_BRANCH] * len(rows),
        y=rows,
        mode="markers+text",
        marker={
            "symbol": "square",
            "size": 20,
            "color": [branch_colour(b) if b in weights else QUIET for b in everyone],
            "opacity": [1.0 if b in weights else 0.35 for b in everyone],
        },
        text=[str(b) for b in everyone],
        textfont={"size": 11, "color": ["white" if b in weights else QUIET for b in everyone]},
        customdata=[f"branch {b}" for b in everyone],
        hovertext=[_branch_text(card, found, b, weights) for b in everyone],
        hoverinfo="text",
        name="branches",
    )


def _branch_text(card: Card, found: Answer, branch: int, weights: dict[int, float]) -> str:
    verdict = f"fired, weight {weights[branch]:.3f}" if branch in weights else "did not fire"
    return (
        f"<b>Branch {branch}</b>: {verdict}<br>"
        f"gate score {float(found.gate_scores[branch]):.2f}, "
        f"confidence {100 * float(found.gate_confidence[branch]):.1f} %<br>"
        f"{_meant_for(card, branch)}"
    )


def _meant_for(card: Card, branch: int) -> str:
    if not card.subtasks:
        return "A head: no subtask, it answers for every class"
    names = [_escape(card.class_names[c]) for c in card.subtasks[branch]]
    lines = [
        ", ".join(names[i : i + _CLASSES_A_LINE]) for i in range(0, len(names), _CLASSES_A_LINE)
    ]
    return f"Subtask: {'<br>'.join(lines)}"


def _draw_static(figure: go.Figure, card: Card) -> None:
    places = {(0.6, 0.0): "stem", (2.0, 0.0): "last stage", (3.4, 0.0): "output"}
    always = f"all of {card.costs.routed_macs / 1e6:.1f} M MACs always run"
    figure.add_traces(
        [
            _lines(list(pairwise(places)), ACCENT, 4.0),
            _parts({place: (name, f"{name}: {always}") for place, name in places.items()}),
        ]
    )
    for (x, y), name in places.items():
        figure.add_annotation(x=x, y=y, text=name, showarrow=False, yshift=-30)
    figure.update_yaxes(range=[-1, 1])


def _parts(discs: dict[Point, tuple[str, str]]) -> go.Scatter:
    """Parts that always run, as discs, each with its name and what hovering says."""
    return go.Scatter(
        x=[x for x, _ in discs],
        y=[y for _, y in discs],
        mode="markers",
        marker={"symbol": "circle", "size": 34, "color": ACCENT, "opacity": 1.0},
        customdata=[name for name, _ in discs.values()],
        hovertext=[hover for _, hover in discs.values()],
        hoverinfo="text",
        name="always run",
    )


def _lines(segments: list[tuple[Point, Point]], colour: str, width: float) -> go.Scatter:
    """Line segments of one look as one trace: many traces are slow to draw."""
    x: list[float | None] = []
    y: list[float | None] = []
    for (x0, y0), (x1, y1) in segments:
        x += [x0, x1, None]
        y += [y0, y1, None]
    return go.Scatter(
        x=x, y=y, mode="lines", line={"color": colour, "width": width}, hoverinfo="skip"
    )


def _escape(text: str) -> str:
    """Class names come from files: shown as text, not as Plotly's HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
