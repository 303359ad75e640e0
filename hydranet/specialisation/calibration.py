"""Whether a confidence means what it says: reliability bins and the expected calibration error.

Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017: bins of equal width, and
ECE as the mean distance of confidence and accuracy, weighted by the images of each bin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hydranet.specialisation.table import RouteTable

BINS = 15
_SUBJECTS = {"answer": ("confidence", "correct"), "gate": ("gate_confidence", "rank = 1")}


@dataclass(frozen=True)
class Reliability:
    """By bin, (bins,): `images`, mean `confidence` and share `right` (NaN where empty). `ece`:
    expected calibration error as a share, 0 best."""

    images: NDArray[np.int64]
    confidence: NDArray[np.float64]
    right: NDArray[np.float64]
    ece: float


def reliability(
    table: RouteTable, subject: Literal["answer", "gate"], *, bins: int = BINS
) -> Reliability:
    """Of the answer: its probability against whether it is right. Of the gate: the softmax share
    of its first choice against whether that is the branch of the label's subtask.

    Raises:
        ValueError: asked of a gate whose branches have no subtasks.
    """
    if subject == "gate" and table.subtask_of_class is None:
        raise ValueError("Only a gate that chooses among subtasks can be right or wrong.")
    confidence, right = _SUBJECTS[subject]
    found = table.columns(
        f"SELECT least(floor({confidence}::DOUBLE * $1), $1 - 1)::INTEGER AS bin, count(*) AS n, "
        f"avg({confidence}::DOUBLE) AS confidence, count(*) FILTER ({right}) AS hits "
        "FROM images GROUP BY bin",
        [bins],
    )
    images = np.zeros(bins, np.int64)
    mean, share = np.full(bins, np.nan), np.full(bins, np.nan)
    images[found["bin"]] = found["n"]
    mean[found["bin"]] = found["confidence"]
    share[found["bin"]] = found["hits"] / found["n"]
    gap = np.nan_to_num(np.abs(mean - share))
    return Reliability(images, mean, share, float((images * gap).sum() / table.rows))
