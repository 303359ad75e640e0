"""What can stand on the cost axis of the page Compare. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.comparing.rows import AtK, AtThreshold, Entry

BATCHES = (1, 64)
"""Batch sizes that networks are timed at."""

MILLISECONDS = "Milliseconds"
_STEPS = [digit * 10.0**power for power in range(-3, 6) for digit in (1, 2, 5)]


@dataclass(frozen=True)
class CostAxis:
    """`cost` gives a network's cost, None where it is not known; `at_k` that of a HydraNet at
    another k, None where the axis has none.

    `name` is the choice on the page, `noun` stands within a sentence, `column` is that of the table
    of all figures, `missing` says why networks are left out.
    """

    name: str
    noun: str
    title: str
    unit: str
    column: str
    cost: Callable[[Entry], float | None]
    at_k: Callable[[AtK | AtThreshold], float] | None = None
    missing: str = ""


AXES = {
    axis.name: axis
    for axis in (
        CostAxis(
            "MACs", "MACs", "MACs for one image (millions)", "M MACs", "MACs (M)",
            lambda row: row.macs_m, lambda at: at.macs_m,
        ),
        CostAxis(
            "MADDs (paper)", "MADDs", "MADDs for one image, 2 × MACs (millions)", "M MADDs",
            "MADDs, paper (M)",
            lambda row: 2 * row.macs_m, lambda at: 2 * at.macs_m,
        ),
        CostAxis(
            "Parameters", "parameters", "Parameters (millions)", "M parameters", "Parameters (M)",
            lambda row: row.params_m, missing="without a published parameter count",
        ),
        CostAxis(
            "Bytes", "bytes of stored weights", "Weights as stored (millions of bytes)", "MB",
            "Weights as stored (MB)",
            lambda row: row.stored_mb, missing="whose weights we do not have",
        ),
    )
}  # fmt: skip


def milliseconds(batch: int) -> CostAxis:
    """Measured time an image, in batches of so many."""
    return CostAxis(
        MILLISECONDS,
        f"milliseconds an image, in batches of {batch}," if batch > 1 else "milliseconds an image",
        f"Measured here, batches of {batch} (milliseconds an image)",
        "ms an image",
        f"Measured, batch {batch} (ms an image)",
        lambda row: row.ms(batch),
        missing=f"that were not timed here in batches of {batch}",
    )


def rounded(amount: float) -> str:
    """A cost with the digits it is good for: 0.0811, 1.28, 26.4, 1,130."""
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:.3g}"


def layout_of(costs: list[float], axis: CostAxis, log: bool) -> dict[str, object]:
    """Plotly's settings of an axis that holds these costs."""
    settings: dict[str, object] = {"title": {"text": axis.title}, "showgrid": True}
    if not log:
        return {**settings, "rangemode": "tozero", "tickformat": ","}
    low, high = min(costs, default=1), max(costs, default=1)
    ticks = [step for step in _STEPS if low / 2.5 <= step <= high * 2.5]
    return {**settings, "type": "log", "tickvals": ticks, "ticktext": [f"{t:,g}" for t in ticks]}
