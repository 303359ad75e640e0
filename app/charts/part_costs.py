"""What each part of some networks costs one image: a stacked bar for each network. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from app.charts.figure import AXES, BARE, figure
from app.charts.html import escaped
from app.charts.palette import QUIET, faint
from hydranet.costs import Costs

_ROW, _FRAME = 44, 150
PARTS = {
    "stem": "#6a51a3",
    "gate": "#e69f00",
    "branches that run": "#0072b2",
    "combiner": "#009e73",
    "branches that do not run": faint(QUIET, 0.35),
}
"""The parts in the order an image meets them, with their colours; the last is what is spared."""


def part_macs(costs: Costs, mean: int) -> dict[str, int]:
    """MACs of one image by part, and of the branches that it spares; `mean`: on average."""
    return {
        "stem": costs.stem.macs,
        "gate": costs.gate.macs,
        "branches that run": mean - costs.always,
        "combiner": costs.combiner.macs,
        "branches that do not run": costs.all_branches_macs - mean,
    }


def part_table(networks: Sequence[tuple[str, Costs, int]]) -> pd.DataFrame:
    """The same figures, a row for each network."""
    return pd.DataFrame(
        [
            {"Network": name}
            | {f"{part} (MACs)": macs for part, macs in part_macs(costs, mean).items()}
            for name, costs, mean in networks
        ]
    )


def part_bars(networks: Sequence[tuple[str, Costs, int]]) -> go.Figure:
    """The first network on top; what does not run is pale and stands at the end."""
    by_part = [part_macs(costs, mean) for _, costs, mean in networks]
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "y": [escaped(name) for name, _, _ in networks],
            "x": [parts[part] / 1e6 for parts in by_part],
            "name": part,
            "marker": {"color": colour},
            "customdata": [parts[part] for parts in by_part],
            "hovertemplate": f"%{{y}}, {part}<br>%{{customdata:,}} MACs<extra></extra>",
        }
        for part, colour in PARTS.items()
        if any(parts[part] for parts in by_part)
    ]
    layout = {
        "height": _FRAME + _ROW * len(networks),
        "margin": AXES,
        "barmode": "stack",
        "showlegend": True,
        "xaxis": {"title": {"text": "MACs for one image (millions)"}},
        "yaxis": {"type": "category", "autorange": "reversed"},
        "legend": {
            "orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom",
            "traceorder": "normal", "itemclick": False, "itemdoubleclick": False,
        },
        **BARE,
    }  # fmt: skip
    return figure(traces, layout)
