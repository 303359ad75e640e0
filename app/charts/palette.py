"""Colours that mean something: one for each branch, the same on every page, in light and dark.

Twenty colours told apart by hue and by lightness in turn; more branches repeat them, and every
branch is told apart by its number and place as well, so that colour is never the only sign.
"""

from __future__ import annotations

_BRANCHES = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9",
    "#d55e00", "#6a51a3", "#b8a500", "#00767f", "#e7298a",
    "#4053d3", "#b36b00", "#3f8f29", "#a03e7d", "#2a9bb5",
    "#c0392b", "#9467bd", "#8c8c00", "#1b6e53", "#d6719b",
)  # fmt: skip

QUIET = "#9aa0a6"
"""What did not fire, and everything that is context. Text of this colour is darkened or lightened
with the theme, see `views/look.py`: no one grey reads well on white and on near-black."""

ACCENT = "#0072b2"
"""Ours, where a chart needs one colour."""


def branch_colour(branch: int) -> str:
    """The colour of a branch, as #rrggbb."""
    return _BRANCHES[branch % len(_BRANCHES)]


def on(colour: str) -> str:
    """Black or white, whichever reads better on a #rrggbb colour (WCAG's relative luminance)."""
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if luminance > 0.179 else "#ffffff"


def faint(colour: str, opacity: float) -> str:
    """A #rrggbb colour that lets the background through, as #rrggbbaa: unlike a marker's own
    opacity, Plotly does not change it when something is selected. Of all ways to write it this is
    the one that Plotly reads fastest, which counts where each point has its own."""
    return f"{colour}{round(255 * opacity):02x}"
