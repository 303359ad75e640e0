"""What every figure that can be kept has in common."""

from __future__ import annotations

from typing import Any

_SAVE, _LASSO = ["toImage"], ["pan2d", "lasso2d"]


def saved_as(name: str, *, lasso: bool = False) -> dict[str, Any]:
    """Plotly's settings of a figure with a button that saves it as an SVG image of that name.

    `lasso`: points can be encircled, too, and the buttons are always seen: Streamlit takes clicks
    on points only while the lasso is not in hand, so there must be a way to take it and put it by.
    """
    return {
        "displaylogo": False,
        "displayModeBar": True if lasso else "hover",
        "modeBarButtons": [_LASSO, _SAVE] if lasso else [_SAVE],
        "toImageButtonOptions": {"format": "svg", "filename": name},
    }
