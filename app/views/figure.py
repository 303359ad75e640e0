"""What every figure that can be kept has in common."""

from __future__ import annotations

from typing import Any

_KEPT = ["toImage"]


def saved_as(name: str) -> dict[str, Any]:
    """Plotly's settings of a figure whose one button saves it as an SVG image of that name."""
    return {
        "displaylogo": False,
        "displayModeBar": "hover",
        "modeBarButtons": [_KEPT],
        "toImageButtonOptions": {"format": "svg", "filename": name},
    }
