"""What a picture shows, in words: for screen readers. Pure functions."""

from __future__ import annotations

from hydranet.answer import Answer
from hydranet.card import Card
from hydranet.switchboard import Switchboard


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
    fired = ", ".join(
        f"branch {b} with weight {w:.2f}" for b, w in zip(found.fired, found.weights, strict=True)
    )
    first = "Stem and gate run" if card.architecture.has_subtasks else "The stem runs"
    switched = ""
    for name, branches in (("on", board.on), ("off", board.off)) if board else ():
        if branches:
            switched += f" Switched {name} by the visitor: {', '.join(map(str, sorted(branches)))}."
    return (
        f"{first}, then {len(found.fired)} of {card.costs.num_branches} branches: "
        f"{fired}. The combiner joins them.{switched}{ring}"
    )


def answer_text(card: Card, found: Answer) -> str:
    """The five most probable classes."""
    top = ", ".join(f"{card.class_names[c]} {100 * p:.1f} percent" for c, p in found.top(5))
    return f"Bars of the five most probable classes: {top}."


def cost_text(card: Card, found: Answer) -> str:
    """MACs by part."""
    costs = card.costs
    if not found.fired:
        return f"One bar: {_millions(found.macs)} MACs, all of which run."
    return (
        f"One bar of {_millions(costs.all_branches_macs)} MACs: stem {_millions(costs.stem.macs)}, "
        f"gate {_millions(costs.gate.macs)}, {len(found.fired)} fired branches of "
        f"{_millions(costs.branch.macs)} each, combiner {_millions(costs.combiner.macs)}, "
        f"{_millions(costs.all_branches_macs - found.macs)} not run."
    )


def scores_text(found: Answer) -> str:
    """The gate's scores, best first."""
    order = sorted(range(len(found.gate_scores)), key=lambda b: -found.gate_scores[b])
    scores = ", ".join(f"branch {b} {found.gate_scores[b]:.2f}" for b in order[:8])
    return f"Bars of the gate's score of every branch; the highest: {scores}."


def shares_text(card: Card, found: Answer) -> str:
    """What each fired branch adds to the answer's logit and its rival's."""
    (best, _), (rival, _) = found.top(2)
    shares = ", ".join(
        f"branch {b} {row[best]:+.2f} and {row[rival]:+.2f}"
        for b, row in zip(found.fired, found.shares, strict=True)
    )
    names = card.class_names
    return (
        f"What each fired branch adds to the logits of {names[best]} and {names[rival]}: {shares}."
    )


def _millions(macs: int) -> str:
    return f"{macs / 1e6:.2f} M"
