"""What a picture shows, in words: for screen readers. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.words.classes import readable_names
from hydranet.checkpoints.card import Card
from hydranet.routing.answer import Answer
from hydranet.routing.choices import Change, Subsets
from hydranet.routing.switchboard import Switchboard


def network_text(
    card: Card, found: Answer, *, board: Switchboard | None = None, opened: str | None = None
) -> str:
    """Which parts ran, with what weights, what the visitor switched, and which part is open."""
    ring = f" A ring marks the part that is open below: {opened}." if opened else ""
    if not found.fired:
        return (
            f"A static network: stem, last stage, output. {_millions(found.macs)} MACs all run."
            f"{ring}"
        )
    policy = card.policy
    fired = ", ".join(
        f"{policy.branch} {b} with weight {w:.2f}"
        for b, w in zip(found.fired, found.weights, strict=True)
    )
    gated = policy.gate and not policy.in_a_row
    first = f"Stem and {policy.gate} run" if gated else "The stem runs"
    switched = ""
    for name, branches in (("on", board.on), ("off", board.off)) if board else ():
        if branches:
            switched += f" Switched {name} by the visitor: {', '.join(map(str, sorted(branches)))}."
    return (
        f"{first}, then {len(found.fired)} of {card.costs.num_branches} {policy.branches}: "
        f"{fired}. The {policy.combiner} "
        f"{'answers' if policy.in_a_row else 'joins them'}.{switched}{ring}"
    )


def answer_text(card: Card, found: Answer) -> str:
    """The five most probable classes."""
    top = ", ".join(
        f"{readable_names(card.class_names)[c]} {100 * p:.1f} percent" for c, p in found.top(5)
    )
    return f"Bars of the five most probable classes: {top}."


def cost_text(card: Card, found: Answer) -> str:
    """MACs by part."""
    costs = card.costs
    if not found.fired:
        return f"One bar: {_millions(found.macs)} MACs, all of which run."
    policy, spent = card.policy, set(found.branch_macs)
    each = f" of {_millions(spent.pop())} each" if len(spent) == 1 else ""
    fired = f"{len(found.fired)} fired {policy.branches}{each}"
    if not each:
        fired += f" {_millions(sum(found.branch_macs))}"
    gate = f"{policy.gate} {_millions(costs.gate.macs)}, " if policy.gate else ""
    return (
        f"One bar of {_millions(costs.all_branches_macs)} MACs: stem {_millions(costs.stem.macs)}, "
        f"{gate}{fired}, {policy.combiner} {_millions(costs.combiner.macs)}, "
        f"{_millions(costs.all_branches_macs - found.macs)} not run."
    )


def scores_text(found: Answer) -> str:
    """The gate's scores, best first."""
    order = sorted(range(len(found.gate_scores)), key=lambda b: -found.gate_scores[b])
    one = found.policy.branch
    scores = ", ".join(f"{one} {b} {found.gate_scores[b]:.2f}" for b in order[:8])
    return f"Bars of the {found.policy.gate}'s score of every {one}; the highest: {scores}."


def shares_text(
    found: Answer, bias: NDArray[np.float32], asked: int, rival: int, names: tuple[str, str]
) -> str:
    """What each fired branch adds to the logits of the class in question and of its rival."""
    one = found.policy.branch
    rows = zip([*(f"{one} {b}" for b in found.fired), "bias"], [*found.shares, bias], strict=True)
    shares = ", ".join(f"{name} {row[asked]:+.2f} and {row[rival]:+.2f}" for name, row in rows)
    return (
        f"What each fired {one} adds to the logits of {names[0]} and {names[1]}: {shares}; "
        f"in all {found.logits[asked]:.2f} and {found.logits[rival]:.2f}."
    )


def values_text(fired: Sequence[int], values: NDArray[np.float64], name: str) -> str:
    """What each fired branch is worth to a class's probability."""
    each = ", ".join(f"branch {b} {100 * v:+.1f}" for b, v in zip(fired, values, strict=True))
    return f"Bars of the percentage points each fired branch is worth to {name}: {each}."


def maps_text(maps: NDArray[np.float32], part: str) -> str:
    """How many maps, of what size and range."""
    count, height, width = maps.shape
    return (
        f"{count} feature maps of {part}, {height} by {width} each, side by side, "
        f"values from {maps.min():.2f} to {maps.max():.2f}."
    )


def changes_text(changes: Sequence[Change], probability: float, name: str) -> str:
    """The largest changes that one branch more or less would make."""
    order = sorted(changes, key=lambda change: -abs(change.probability - probability))
    largest = ", ".join(
        f"{'with' if c.added else 'without'} branch {c.branch} {100 * c.probability:.1f} percent"
        for c in order[:6]
    )
    return (
        f"Bars of the change in the probability of {name}, {100 * probability:.1f} percent now, "
        f"if one branch more or one less ran. The largest changes: {largest}."
    )


def subsets_text(subsets: Subsets, name: str) -> str:
    """Where the route that ran stands among those that were tried."""
    ran, best = subsets.probability[subsets.chosen], subsets.probability[subsets.best]
    return (
        f"Scatter chart of the probability of {name} against MACs, a point for each of "
        f"{len(subsets.masks)} routes; the one that ran gives {100 * ran:.1f} percent, the best "
        f"of at most its cost {100 * best:.1f} percent."
    )


def _millions(macs: int) -> str:
    return f"{macs / 1e6:.2f} M"
