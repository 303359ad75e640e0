"""What to see in the charts of a batch, in words. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from app.charts.batch import MOST_ANSWERS
from hydranet.routing.policies import GATED, Policy


def load_sentence(loads: Sequence[float], policy: Policy = GATED) -> str:
    """The busiest and the idlest branches, in the words of the policy."""
    called, branches = policy.branch.capitalize(), policy.branches
    if min(loads) == max(loads):
        return f"All {branches} fired equally often, for {100 * loads[0]:.0f}\u00a0% of the images."
    busiest = max(range(len(loads)), key=lambda branch: loads[branch])
    idle = [str(branch) for branch, load in enumerate(loads) if not load]
    even = 100 * sum(loads) / len(loads)
    text = (
        f"{called} {busiest} fired most, for {100 * loads[busiest]:.0f}\u00a0% of the images; did "
        f"all fire equally often, each would for {even:.0f}\u00a0% (dotted)."
    )
    if not idle:
        least = min(range(len(loads)), key=lambda branch: loads[branch])
        return f"{text} {called} {least} fired least, for {100 * loads[least]:.0f}\u00a0%."
    never = f"{len(idle)} {branches} ({', '.join(idle)})"
    if len(idle) == 1:
        never = f"{called} {idle[0]}"
    return f"{text} {never} never fired."


def answers_sentence(counts: Sequence[tuple[str, int]]) -> str:
    """The most frequent answer, and how many different ones there are."""
    images = sum(count for _, count in counts)
    name, most = counts[0]
    if len(counts) == 1:
        return f"All {images:,} images got the answer {name}." if images > 1 else f"It is {name}."
    if most == 1:
        return f"Each of the {images:,} images got an answer of its own."
    shown = f", of which the chart has {MOST_ANSWERS}" if len(counts) > MOST_ANSWERS else ""
    return (
        f"The most frequent answer is {name}, for {most:,} of {images:,} images; there are "
        f"{len(counts):,} different ones{shown}."
    )


def load_text(loads: Sequence[float], policy: Policy = GATED) -> str:
    """The chart for screen readers."""
    called = policy.branch
    each = ", ".join(f"{called} {number} {100 * load:.0f}" for number, load in enumerate(loads))
    return f"Bars of the percentage of images that fired each {called}: {each}."


def answers_text(counts: Sequence[tuple[str, int]]) -> str:
    """The chart for screen readers."""
    each = ", ".join(f"{name} {count}" for name, count in counts[:MOST_ANSWERS])
    return f"Bars of the number of images that got each answer; the most frequent: {each}."
