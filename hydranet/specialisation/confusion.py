"""Which classes are taken for which, and whether errors stay inside a subtask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydranet.specialisation.table import RouteTable


@dataclass(frozen=True)
class Confusion:
    """`counts` (C, C): images of class r that were answered as class c. `inside`: share of errors
    that stay in the label's subtask, and `inside_by_chance`, were every other class as likely; both
    None without subtasks or errors."""

    counts: NDArray[np.int64]
    inside: float | None
    inside_by_chance: float | None

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """(C,) share of each class that is right; NaN for a class without images."""
        with np.errstate(invalid="ignore"):
            return self.counts.diagonal() / self.counts.sum(axis=1)


def confusion(table: RouteTable) -> Confusion:
    """The confusion matrix of the answers."""
    counts = np.zeros((table.num_classes, table.num_classes), np.int64)
    found = table.columns("SELECT label, prediction, count(*) AS n FROM images GROUP BY 1, 2")
    counts[found["label"], found["prediction"]] = found["n"]
    errors = counts - np.diag(counts.diagonal())
    if table.subtask_of_class is None or not errors.sum():
        return Confusion(counts, None, None)
    subtask = np.asarray(table.subtask_of_class)
    alike = subtask[:, None] == subtask[None, :]  # (C, C)
    chance = (alike.sum(axis=1) - 1) / (table.num_classes - 1)  # (C,)
    return Confusion(
        counts,
        inside=float(errors[alike].sum() / errors.sum()),
        inside_by_chance=float((errors.sum(axis=1) * chance).sum() / errors.sum()),
    )
