"""The paper's claim, checked: at equal accuracy, how many times cheaper is a HydraNet? Pure.

Each side is the Pareto front of its family. Between two neighbours on a front the logarithm of cost
is taken to rise in a straight line with top-1; beyond a front's ends nothing is said. What the
paper gives and what we measured are never mixed: both sides of a claim come from one of them. Nor
are networks that had a teacher and networks that had none: a teacher gives points, too.

Source of the claim: "HydraNets: Specialized Dynamic Architectures for Efficient Inference",
Mullapudi, Mark, Shazeer, Fatahalian, CVPR 2018, cost and accuracy on CIFAR-100.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from app.charts.cost_axes import CostAxis
from app.comparing.front import Setting, pareto_front, settings
from app.comparing.rows import Entry
from app.words.teacher import with_or_without

PAPER = "HydraNets, CVPR 2018"
"""How the source of a figure from the paper begins."""

HYDRAS = {"hydra-resnet": "Hydra-ResNet", "hydra-densenet": "Hydra-DenseNet"}
STATICS = {"resnet": "ResNet", "densenet": "DenseNet"}


@dataclass(frozen=True)
class Claim:
    """A family of HydraNets against a static one, at every accuracy that both reach.

    `ratios`: the static one's cost over the HydraNet's at the accuracies `top1` (percent, rising),
    which are all at which either front bends; between them its logarithm is a straight line. Both
    are empty where nothing can be said, and `silence` says why; else it says why not beyond.
    `training`: whether both sides had a teacher, in words; empty where no network has one.
    """

    hydra: str
    static: str
    top1: tuple[float, ...]
    ratios: tuple[float, ...]
    silence: str
    training: str = ""

    @property
    def said(self) -> bool:
        """Whether there is an accuracy that both reach."""
        return bool(self.top1)


def from_paper(rows: Iterable[Entry]) -> list[Entry]:
    """The rows that stand in the HydraNets paper."""
    return [row for row in rows if not row.ours and row.source.startswith(PAPER)]


def measured_by_us(rows: Iterable[Entry]) -> list[Entry]:
    """Our own rows."""
    return [row for row in rows if row.ours]


def claims(rows: Sequence[Entry], axis: CostAxis) -> list[Claim]:
    """Every family of HydraNets against every static one, where there are networks of both: those
    with a teacher and those without a teacher each by themselves."""
    found = settings(rows, axis)
    told = any(row.teacher for row in rows)
    return [
        one
        for hydra in HYDRAS
        for static in STATICS
        for one in _claims_of(found, hydra, static, told)
    ]


def _claims_of(found: Sequence[Setting], hydra: str, static: str, told: bool) -> list[Claim]:
    """One family against another; `told`: say whether they had a teacher."""
    of_hydra, of_static = ([s for s in found if s.row.family == name] for name in (hydra, static))
    if not of_static:
        return []
    claimed = []
    for training, mine in by_teacher(of_hydra).items():
        front = pareto_front(by_teacher(of_static).get(training, []))
        names = HYDRAS[hydra], STATICS[static]
        one = claim(names[0], pareto_front(mine), names[1], front, training if told else "")
        claimed.append(one)
    return claimed


def by_teacher(found: Iterable[Setting]) -> dict[str, list[Setting]]:
    """Those with a teacher, then those without a teacher; only what there is."""
    groups: dict[str, list[Setting]] = {}
    for setting in sorted(found, key=lambda s: not s.row.teacher):
        groups.setdefault(with_or_without(setting.row.teacher), []).append(setting)
    return groups


def claim(
    hydra: str,
    hydra_front: Sequence[Setting],
    static: str,
    static_front: Sequence[Setting],
    training: str = "",
) -> Claim:
    """One family against another, both fronts of networks trained alike, the first not empty."""
    if not static_front:
        return Claim(hydra, static, (), (), f"there is no {static} {training} here", training)
    such = "such " if training else ""
    low = max(hydra_front[0].top1, static_front[0].top1)
    high = min(hydra_front[-1].top1, static_front[-1].top1)
    if low > high:
        better = hydra if hydra_front[0].top1 > static_front[-1].top1 else static
        silence = (
            f"every {such}{better} is more accurate than all the others, so at no accuracy do both "
            "have a network"
        )
        return Claim(hydra, static, (), (), silence, training)
    bends = {setting.top1 for front in (hydra_front, static_front) for setting in front}
    top1 = tuple(sorted({low, high} | {at for at in bends if low <= at <= high}))
    ratios = tuple(cost_at(static_front, at) / cost_at(hydra_front, at) for at in top1)
    below = hydra if low == hydra_front[0].top1 else static
    above = hydra if high == hydra_front[-1].top1 else static
    silence = f"below there is no {such}{below} and above no {such}{above}"
    return Claim(hydra, static, top1, ratios, silence, training)


def cost_at(front: Sequence[Setting], top1: float) -> float:
    """What it costs to reach `top1` on a front, which must lie between its ends."""
    for cheaper, dearer in pairwise(front):
        if cheaper.top1 <= top1 <= dearer.top1:
            share = (top1 - cheaper.top1) / (dearer.top1 - cheaper.top1)
            return cheaper.cost * math.exp(share * math.log(dearer.cost / cheaper.cost))
    if front and front[0].top1 == top1:
        return front[0].cost
    raise ValueError(f"The front does not reach {top1} %.")


def claim_table(found: Sequence[Claim]) -> pd.DataFrame:
    """One row for each accuracy of each claim, and how both were trained where that is told."""
    told = ["Trained"] if any(c.training for c in found) else []
    return pd.DataFrame(
        [
            {
                "HydraNet": c.hydra,
                "Static network": c.static,
                "Trained": c.training,
                "Top-1 (%)": at,
                "Times dearer": ratio,
            }
            for c in found
            for at, ratio in zip(c.top1, c.ratios, strict=True)
        ],
        columns=["HydraNet", "Static network", *told, "Top-1 (%)", "Times dearer"],
    )


def claim_words(found: Claim, noun: str) -> str:
    """The claim in one sentence, and where it cannot be said."""
    training = f"{found.training.capitalize()}, " if found.training else ""
    if not found.said:
        return f"{training}{found.hydra} against {found.static} cannot be said: {found.silence}."
    low, high = found.top1[0], found.top1[-1]
    least, most = min(found.ratios), max(found.ratios)
    where = f"of {low:.1f}\u00a0%" if low == high else f"from {low:.1f} to {high:.1f}\u00a0%"
    times = f"{least:.2g}" if f"{least:.2g}" == f"{most:.2g}" else f"{least:.2g} to {most:.2g}"
    return (
        f"{training}{'at' if training else 'At'} an equal top-1 {where}, {found.static} needs "
        f"{times} times the {noun} of {found.hydra}; beyond, it cannot be said: {found.silence}."
    )
