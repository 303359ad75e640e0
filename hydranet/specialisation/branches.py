"""Which branch fires for which class, how the load is spread, and which branches stand out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hydranet.specialisation.table import RouteTable

DEAD = 0.1
"""A branch is dead if it fires for less than this part of an even share."""
OVERLOADED = 2.0
"""A branch is overloaded if it fires for more than this many even shares."""
DUPLICATE = 0.8
"""Two branches are duplicates if, of the images that fire either, this share fires both."""


def firing_share(table: RouteTable) -> NDArray[np.float64]:
    """Share of each class's images that fire each branch: (C, N); NaN for a class without images.
    Where k fire, a row adds up to k."""
    fired = np.zeros((table.num_classes, table.num_branches))
    sums = ", ".join(
        f"sum(n * ((fired >> {b}) & 1))::BIGINT AS b{b}" for b in range(table.num_branches)
    )
    found = table.columns(f"SELECT label, sum(n)::BIGINT AS n, {sums} FROM class_routes GROUP BY 1")
    images = np.zeros(table.num_classes)
    images[found["label"]] = found["n"]
    for branch in range(table.num_branches):
        fired[found["label"], branch] = found[f"b{branch}"]
    with np.errstate(invalid="ignore"):
        return fired / images[:, None]  # (C, N)


@dataclass(frozen=True)
class BranchLoad:
    """`share` (N,): share of images that fire each branch. `entropy`: of the firings over the
    branches, in bits; `most_entropy`: if all fired alike. `busiest_to_mean`: load of the busiest
    branch over the mean load. `right` (N,): share of a branch's images that are answered right."""

    share: NDArray[np.float64]
    right: NDArray[np.float64]
    entropy: float
    most_entropy: float
    busiest_to_mean: float


def branch_load(table: RouteTable) -> BranchLoad:
    """How the work is spread over the branches."""
    sums = ", ".join(
        f"sum(n * ((fired >> {b}) & 1))::BIGINT AS n{b}, "
        f'sum("right" * ((fired >> {b}) & 1))::BIGINT AS r{b}'
        for b in range(table.num_branches)
    )
    found = table.columns(f"SELECT {sums} FROM class_routes")
    images = np.array([found[f"n{b}"][0] for b in range(table.num_branches)], np.float64)
    right = np.array([found[f"r{b}"][0] for b in range(table.num_branches)], np.float64)
    part = images / images.sum()
    positive = part[part > 0]
    with np.errstate(invalid="ignore"):
        accuracy = right / images
    return BranchLoad(
        share=images / table.rows,
        right=accuracy,
        entropy=float(-(positive * np.log2(positive)).sum()),
        most_entropy=float(np.log2(table.num_branches)),
        busiest_to_mean=float(images.max() / images.mean()),
    )


def together(table: RouteTable) -> NDArray[np.float64]:
    """Of the images that fire either of two branches, the share that fires both: (N, N), 1 on the
    diagonal, 0 where neither ever fires."""
    found = table.columns("SELECT fired, sum(n)::BIGINT AS n FROM class_routes GROUP BY fired")
    bits = np.arange(table.num_branches, dtype=np.uint64)
    both = np.zeros((table.num_branches, table.num_branches))
    for start in range(0, len(found["fired"]), 65_536):  # routes may be many
        routes = slice(start, start + 65_536)
        ran = ((found["fired"][routes, None] >> bits) & np.uint64(1)).astype(np.float64)  # (R, N)
        both += (ran * found["n"][routes, None]).T @ ran
    alone = both.diagonal()
    either = alone[:, None] + alone[None, :] - both
    return np.divide(both, either, out=np.zeros_like(both), where=either > 0)


@dataclass(frozen=True)
class Findings:
    """Branches that stand out, with the figure that says so: `dead` and `overloaded` by share of
    images, worst first; `duplicates` as pairs with the share of `together`."""

    even: float
    dead: list[tuple[int, float]] = field(default_factory=list)
    overloaded: list[tuple[int, float]] = field(default_factory=list)
    duplicates: list[tuple[int, int, float]] = field(default_factory=list)


def findings(table: RouteTable) -> Findings:
    """Dead, overloaded and duplicate branches; none where every branch fires for every image."""
    even = table.k / table.num_branches
    if table.k == table.num_branches:
        return Findings(even)
    share, pairs = branch_load(table).share, together(table)
    loads = [(branch, float(load)) for branch, load in enumerate(share)]
    return Findings(
        even,
        dead=sorted((x for x in loads if x[1] < DEAD * even), key=lambda x: x[1]),
        overloaded=sorted((x for x in loads if x[1] > OVERLOADED * even), key=lambda x: -x[1]),
        duplicates=sorted(
            (
                (one, other, float(pairs[one, other]))
                for one in range(table.num_branches)
                for other in range(one + 1, table.num_branches)
                if pairs[one, other] >= DUPLICATE
            ),
            key=lambda pair: -pair[2],
        ),
    )
