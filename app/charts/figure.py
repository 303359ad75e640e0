"""Figures from plain dictionaries, for charts that are drawn anew at every click.

Plotly checks each property of a figure when it is set, which takes longer than everything else in a
re-run of a page together. So these are handed over unchecked, as `{"type": "bar", "x": …}` and a
layout, with titles written out (`{"title": {"text": …}}`); the tests switch the checks on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

CHECKED = False
"""Whether Plotly checks what it is handed; tests set it."""

Trace = dict[str, Any]
"""A trace with its `type`."""

BARE = {"plot_bgcolor": "rgba(0,0,0,0)", "paper_bgcolor": "rgba(0,0,0,0)"}
"""Layout of a figure that stands on the page's own colour."""


def figure(traces: Sequence[Trace], layout: Mapping[str, Any]) -> go.Figure:
    """A figure; ValueError if it is checked and a property is not Plotly's."""
    return go.Figure(list(traces), dict(layout), _validate=CHECKED)
