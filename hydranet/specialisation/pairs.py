"""Two networks on the same images: where they differ, and who is right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hydranet.errors import InputError
from hydranet.specialisation.connection import ROWS, columns, connect, parameter, sentences
from hydranet.specialisation.layout import read_layout

_SIDE_BY_SIDE = f"{ROWS} a POSITIONAL JOIN {ROWS} b"
_BY_INDEX = f"{ROWS} a JOIN {ROWS} b ON a.index = b.index"
_SQL = """
SELECT a.label AS label, count(*) AS images,
    count(*) FILTER (a.index IS DISTINCT FROM b.index) AS astray,
    count(*) FILTER (a.label <> b.label) AS unlike,
    count(*) FILTER (a.prediction = a.label AND b.prediction = a.label) AS both,
    count(*) FILTER (a.prediction = a.label AND b.prediction <> a.label) AS only_first,
    count(*) FILTER (a.prediction <> a.label AND b.prediction = a.label) AS only_second,
    count(*) FILTER (a.prediction = b.prediction AND a.prediction <> a.label) AS same_error
FROM {join} GROUP BY 1
"""


@dataclass(frozen=True)
class Pair:
    """Images of each class, all (C,): `images`; right by `both`, by `only_first`, by `only_second`;
    by neither with one and the same wrong answer (`same_error`)."""

    images: NDArray[np.int64]
    both: NDArray[np.int64]
    only_first: NDArray[np.int64]
    only_second: NDArray[np.int64]
    same_error: NDArray[np.int64]

    @property
    def neither(self) -> NDArray[np.int64]:
        """(C,) images that both get wrong."""
        return self.images - self.both - self.only_first - self.only_second


def compare_logs(first: Path, second: Path, *, num_classes: int) -> Pair:
    """Join two route logs by `index`.

    Raises:
        InputError: one cannot be read, or they are not of the same images and labels.
    """
    sizes = [read_layout(path).rows for path in (first, second)]
    connection = connect([first, second], in_order=True)
    files = [parameter(first), parameter(second)]
    with sentences(second):
        # Logs of one data set mostly hold its images in one order; that join takes a third.
        found = columns(connection, _SQL.format(join=_SIDE_BY_SIDE), files)
        if found["astray"].sum() or sizes[0] != sizes[1]:
            found = columns(connection, _SQL.format(join=_BY_INDEX), files)
    connection.close()
    joined = int(found["images"].sum())
    if not sizes[0] == sizes[1] == joined or found["unlike"].sum():
        raise InputError(
            f"The two route logs must be of the same images: they hold {sizes[0]:,} and "
            f"{sizes[1]:,}, {joined - int(found['unlike'].sum()):,} of which have the same index "
            "and label in both."
        )
    classes = {}
    for name in ("images", "both", "only_first", "only_second", "same_error"):
        classes[name] = np.zeros(num_classes, np.int64)
        classes[name][found["label"]] = found[name]
    return Pair(**classes)
