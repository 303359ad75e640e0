"""Names of what the address of the page Compare holds, and of its sections."""

from __future__ import annotations

CHOSEN = "chosen"
"""The networks that stand side by side."""

SECTION = "section"
"""What stands below the chart, one of `SECTIONS`."""

EQUAL_ACCURACY = "Equal accuracy"
SIDE_BY_SIDE = "Side by side"
MEASURE = "Measure here"
TRAINING = "Training runs"
SECTIONS = (EQUAL_ACCURACY, SIDE_BY_SIDE, MEASURE, TRAINING)
