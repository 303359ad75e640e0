"""Some of the images: those of a class, of a branch, wrong ones, narrow ones, unusual ones."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hydranet.errors import InputError
from hydranet.specialisation.table import RouteTable

Unusual = Literal["route", "class"]
"""`route`: another route than most often runs for the class (same class, different route). `class`:
another class than most often takes the route (same route, different class)."""

# Ties go to the lowest route or class, so that a slice is the same on every visit.
_USUAL = {
    "route": "JOIN (SELECT label, arg_min(fired, (-n, fired)) AS usual FROM class_routes "
    "GROUP BY label) USING (label)",
    "class": "JOIN (SELECT fired, arg_min(label, (-n, label)) AS usual FROM class_routes "
    "GROUP BY fired) USING (fired)",
}
_UNUSUAL = {"route": "fired <> usual", "class": "label <> usual"}


@dataclass(frozen=True, kw_only=True)
class Slice:
    """Which images; None leaves a question open. `label`, `prediction`: class; `subtask`: of the
    label; `branch`: fired; `correct`: whether answered right; `margin`: from, to, both included, of
    the gate; `unusual`: see `Unusual`."""

    label: int | None = None
    prediction: int | None = None
    subtask: int | None = None
    branch: int | None = None
    correct: bool | None = None
    margin: tuple[float, float] | None = None
    unusual: Unusual | None = None

    @property
    def everything(self) -> bool:
        """Whether no image is left out."""
        return all(getattr(self, field.name) is None for field in fields(self))


@dataclass(frozen=True)
class SliceFigures:
    """Of the images of a slice: how many; shares `right` and `hit` at the k of the log; means of
    confidence and margin; `load` (N,) share that fires each branch; images of each `label` (C,).
    Figures of an empty slice are NaN; what a network does not have is None."""

    images: int
    right: float
    confidence: float
    hit: float | None
    margin: float | None
    load: NDArray[np.float64] | None
    labels: NDArray[np.int64]


def _source(table: RouteTable, chosen: Slice) -> tuple[str, list[object]]:
    """FROM and WHERE of a slice, and their parameters."""
    conditions: list[str] = []
    parameters: list[object] = []

    def require(condition: str, *values: object) -> None:
        conditions.append(condition)
        parameters.extend(values)

    routed = {"branch": chosen.branch, "margin": chosen.margin, "unusual": chosen.unusual}
    if not table.num_branches and any(value is not None for value in routed.values()):
        raise InputError("A static network has no branches to choose images by.")
    if chosen.label is not None:
        require("label = ?", chosen.label)
    if chosen.prediction is not None:
        require("prediction = ?", chosen.prediction)
    if chosen.subtask is not None:
        require("label IN (SELECT label FROM classes WHERE subtask = ?)", chosen.subtask)
    if chosen.correct is not None:
        require("correct = ?", chosen.correct)
    if chosen.branch is not None:
        require("(fired >> ?::INTEGER) & 1 = 1", chosen.branch)
    if chosen.margin is not None:
        require("margin BETWEEN ?::DOUBLE AND ?::DOUBLE", *chosen.margin)
    join = ""
    if chosen.unusual is not None:
        join = _USUAL[chosen.unusual]
        conditions.append(_UNUSUAL[chosen.unusual])
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"FROM images {join}{where}", parameters


def slice_figures(table: RouteTable, chosen: Slice) -> SliceFigures:
    """The figures of a slice.

    Raises:
        InputError: it asks for a branch, a margin or a route of a static network.
    """
    source, parameters = _source(table, chosen)
    wanted = ["count(*) AS n", "count(*) FILTER (correct) AS hits",
              "sum(confidence::DOUBLE) AS confidence"]  # fmt: skip
    if table.num_branches:
        wanted += [f"count(*) FILTER (rank <= {table.k}) AS hit", "sum(margin::DOUBLE) AS margin"]
    found = table.columns(f"SELECT label, {', '.join(wanted)} {source} GROUP BY label", parameters)
    labels = np.zeros(table.num_classes, np.int64)
    labels[found["label"]] = found["n"]
    images = int(labels.sum())

    def share(name: str) -> float:
        return float(np.ma.filled(found[name], np.nan).sum()) / images if images else float("nan")

    routed, subtasks = table.num_branches > 0, table.subtask_of_class is not None
    return SliceFigures(
        images=images,
        right=share("hits"),
        confidence=share("confidence"),
        hit=share("hit") if subtasks else None,
        margin=share("margin") if routed and table.k < table.num_branches else None,
        load=_load(table, source, parameters, images) if routed else None,
        labels=labels,
    )


def _load(
    table: RouteTable, source: str, parameters: list[object], images: int
) -> NDArray[np.float64]:
    """Share of a slice's images that fires each branch: first counted by route, of which there are
    far fewer than images."""
    sums = ", ".join(
        f"sum(n * ((fired >> {b}) & 1))::BIGINT AS b{b}" for b in range(table.num_branches)
    )
    routes = f"SELECT fired, count(*) AS n {source} GROUP BY fired"
    found = table.columns(f"SELECT {sums} FROM ({routes})", parameters)
    fired = [np.ma.filled(found[f"b{b}"], 0)[0] for b in range(table.num_branches)]
    return np.array(fired) / images if images else np.full(table.num_branches, np.nan)


def most_margin(table: RouteTable) -> float | None:
    """The widest margin of any image; None where nothing is refused."""
    if not 0 < table.k < table.num_branches:
        return None
    return float(table.columns("SELECT max(margin)::DOUBLE AS most FROM images")["most"][0])


def slice_page(table: RouteTable, chosen: Slice, *, first: int, count: int) -> pa.Table:
    """`count` rows of a slice from row `first` on, by index. Columns: index, label, prediction,
    confidence; for a dynamic network also fired (list, by number), first_choice, margin."""
    return slice_rows(table, chosen, limit=count, offset=first)


def slice_rows(table: RouteTable, chosen: Slice, *, limit: int, offset: int = 0) -> pa.Table:
    """At most `limit` rows of a slice; see `slice_page`."""
    source, parameters = _source(table, chosen)
    columns = ["index", "label", "prediction", "confidence"]
    if table.num_branches:
        columns += [
            f"list_filter(range({table.num_branches}), lambda b: (fired >> b) & 1 = 1) AS fired",
            "first AS first_choice",
            "margin",
        ]
    return table.arrow(
        f"SELECT {', '.join(columns)} {source} ORDER BY index LIMIT ? OFFSET ?",
        [*parameters, limit, offset],
    )
