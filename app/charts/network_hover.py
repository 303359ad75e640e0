"""What a point of a network says on hover. Pure."""

from __future__ import annotations

from html import escape
from textwrap import wrap

from app.charts.cost_axes import CostAxis, rounded
from app.comparing.rows import Entry

HOVER = "%{hovertext}<extra></extra>"
_WIDTH = 46


def hover_of(row: Entry, axis: CostAxis) -> str:
    """Of the network as it runs by default."""
    return hover(row, axis, k=row.k, cost=axis.cost(row) or 0, top1=row.top1)


def hover(row: Entry, axis: CostAxis, *, k: int | None, cost: float, top1: float) -> str:
    """Of the network at one k. Plotly reads a few HTML tags: what comes from a file is escaped."""
    fired = "" if k is None else f", k = {k}"
    source = "<br>".join(escape(line) for line in wrap(row.source, _WIDTH))
    return (
        f"<b>{escape(row.name)}</b>{fired}<br>{rounded(cost)} {axis.unit}<br>"
        f"top-1 {top1:.2f} %, {row.mark.name}<br>{source}"
    )
