"""Our checkpoints and the published networks as rows of one table, and what can be said of them.

Draws nothing. Only checkpoints that were tested on the data set of the published figures stand
beside them; the others are counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from app.charts.marks import MEASURED, YOURS, Mark, mark_of
from app.handed_over.own_network import OwnNetwork
from app.words.card import epochs_of_all
from app.words.teacher import taught_alike
from hydranet.checkpoints import WEIGHTS, Checkpoint
from hydranet.checkpoints.card import Card
from hydranet.published import PublishedResult
from hydranet.routing.policies import GATED, Policy

SAME_COST = 0.02
"""Two networks cost the same if their MACs differ by at most this share."""


@dataclass(frozen=True)
class AtK:
    """What one image costs if k branches fire, and top-1 then, in percent."""

    k: int
    macs_m: float
    top1: float


@dataclass(frozen=True)
class AtThreshold:
    """What an image costs on average if branches below a confidence are dropped, and top-1 then."""

    threshold: float
    branches: float
    macs_m: float
    top1: float


@dataclass(frozen=True)
class AtBatch:
    """Milliseconds for one image, measured here in batches of so many."""

    batch: int
    ms: float


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One network: parameters and MACs of one image in millions, top-1 in percent.

    `k`: branches that fire by default, None where the network is no dynamic one of ours; `by_k`:
    the same network at every k; `by_threshold`: with dynamic k, of at most `k` branches; `policy`:
    how they are chosen, and what they are called. `stored_mb`: the file of its weights in millions
    of bytes; `times`: as measured here, if it was. `teacher`: the network that it learnt from, None
    where it had none or is not at hand. `source`: where the figure comes from, in one line.
    """

    name: str
    family: str
    dynamic: bool
    params_m: float | None
    macs_m: float
    top1: float
    mark: Mark
    source: str
    k: int | None = None
    by_k: tuple[AtK, ...] = ()
    by_threshold: tuple[AtThreshold, ...] = ()
    policy: Policy = GATED
    stored_mb: float | None = None
    times: tuple[AtBatch, ...] = ()
    teacher: str | None = None

    def ms(self, batch: int) -> float | None:
        """Milliseconds for one image in batches of so many; None where it was not measured."""
        return next((at.ms for at in self.times if at.batch == batch), None)

    @property
    def ours(self) -> bool:
        """Whether the figure was measured by us."""
        return self.mark is MEASURED

    @property
    def at_hand(self) -> bool:
        """Whether the network itself is here, with its card: ours, or a visitor's own."""
        return self.mark in (MEASURED, YOURS)


def comparable(card: Card) -> bool:
    """Whether the card's test split is that of the published figures, CIFAR-100's."""
    name = "".join(letter for letter in card.data.name.lower() if letter.isalnum())
    return name == "cifar100" and card.architecture.num_classes == 100


def entries(
    checkpoints: Iterable[Checkpoint],
    published: Iterable[PublishedResult],
    times: Mapping[tuple[str, str], tuple[AtBatch, ...]] | None = None,
) -> list[Entry]:
    """Ours that can be compared first, then the published ones, each in the order given.

    `times`: what was measured of ours, by name and the hash of the weights.
    """
    times = times or {}
    ours = [
        _from_checkpoint(c, times.get((c.name, c.card.weights_sha256), ()))
        for c in checkpoints
        if comparable(c.card)
    ]
    return ours + [_from_published(result) for result in published]


def verdict(shown: Iterable[Entry], rows: Iterable[Entry]) -> list[tuple[Entry, Entry | None]]:
    """Each HydraNet of ours that is `shown` with the static network of ours, of all `rows`, whose
    MACs are nearest, of those that had a teacher as it had, or none: None if there is no such one.
    Empty without static networks of ours."""
    ours = [row for row in rows if row.ours]
    if all(row.dynamic for row in ours):
        return []
    hydras = [row for row in shown if row.ours and row.dynamic]
    return [(row, _nearest(row, _static_alike(row, ours))) for row in hydras]


def _nearest(row: Entry, others: Iterable[Entry]) -> Entry | None:
    return min(others, key=lambda other: abs(other.macs_m - row.macs_m), default=None)


def _static_alike(row: Entry, rows: Iterable[Entry]) -> list[Entry]:
    """Static networks of ours that had a teacher, if `row` had one, or else had none."""
    return [
        other
        for other in rows
        if other.ours and not other.dynamic and taught_alike(other.teacher, row.teacher)
    ]


@dataclass(frozen=True)
class Interpolated:
    """What a static network of a given cost would reach, between two of ours."""

    cheaper: Entry
    dearer: Entry
    top1: float


def interpolated(row: Entry, rows: Iterable[Entry]) -> Interpolated | None:
    """Top-1 of a static network of ours of the MACs of `row`, with a teacher if that had one: on
    the straight line, over the logarithm of MACs, between the nearest cheaper and the nearest
    dearer one, of those that no cheaper one beats; None outside."""
    static = unbeaten(_static_alike(row, rows), lambda other: other.macs_m)
    cheaper = [other for other in static if other.macs_m <= row.macs_m]
    dearer = [other for other in static if other.macs_m > row.macs_m]
    if not cheaper or not dearer:
        return None
    low, high = cheaper[-1], dearer[0]
    share = math.log(row.macs_m / low.macs_m) / math.log(high.macs_m / low.macs_m)
    return Interpolated(low, high, low.top1 + share * (high.top1 - low.top1))


class _Judged(Protocol):
    @property
    def top1(self) -> float: ...


J = TypeVar("J", bound=_Judged)


def unbeaten(judged: Iterable[J], cost: Callable[[J], float]) -> list[J]:
    """By cost, those that no other equals or beats at the same cost or less: cost and top-1 both
    rise."""
    found: list[J] = []
    for one in sorted(judged, key=lambda one: (cost(one), -one.top1)):
        if not found or one.top1 > found[-1].top1:
            found.append(one)
    return found


def free_saving(row: Entry) -> AtThreshold | None:
    """The cheapest setting of dynamic k that loses nothing against k fixed; None if none saves."""
    kept = [at for at in row.by_threshold if at.top1 >= row.top1 and at.macs_m < row.macs_m]
    return min(kept, key=lambda at: at.macs_m, default=None)


def same_cost(one: Entry, other: Entry) -> bool:
    """Whether the MACs of two networks differ by at most `SAME_COST` of the second's."""
    return abs(one.macs_m - other.macs_m) <= SAME_COST * other.macs_m


def _from_checkpoint(checkpoint: Checkpoint, times: tuple[AtBatch, ...]) -> Entry:
    card = checkpoint.card
    costs, test, run = card.costs, card.test, card.provenance
    own = isinstance(checkpoint, OwnNetwork)
    weights = checkpoint.folder / WEIGHTS
    origin = "your own network" if own else "this repository"
    if not weights.exists():
        origin += ", which lacks its weights"
    teacher = card.teacher
    taught = f" taught by {teacher}" if teacher else ""
    versions = ", ".join(f"{package} {version}" for package, version in run.versions.items())
    return Entry(
        name=checkpoint.name,
        family=card.architecture.family,
        dynamic=card.architecture.is_dynamic,
        params_m=costs.parameters / 1e6,
        macs_m=card.mean_macs / 1e6,
        top1=test.top1,
        mark=YOURS if own else MEASURED,
        source=f"{origin}: {test.images:,} test images, one run of "
        f"{epochs_of_all(card)} epochs{taught}, {run.hardware}; {versions}",
        k=costs.k if card.architecture.is_dynamic else None,
        by_k=tuple(
            AtK(k, costs.macs(k) / 1e6, top1) for k, top1 in enumerate(test.top1_by_k, start=1)
        ),
        by_threshold=tuple(
            AtThreshold(point.threshold, point.mean_branches, point.mean_macs / 1e6, point.top1)
            for point in test.dynamic
        ),
        policy=card.policy,
        stored_mb=weights.stat().st_size / 1e6 if weights.exists() else None,
        times=times,
        teacher=teacher,
    )


def _from_published(result: PublishedResult) -> Entry:
    return Entry(
        name=result.model,
        family=result.family,
        dynamic=result.dynamic,
        params_m=result.params_m,
        macs_m=result.macs_m,
        top1=result.top1,
        mark=mark_of(result.provenance),
        source=result.source,
    )
