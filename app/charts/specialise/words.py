"""What the figures of a data set say, in plain words. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hydranet.routing.policies import GATED, Policy
from hydranet.specialisation import Findings, Reliability
from hydranet.specialisation.branches import DEAD, DUPLICATE, OVERLOADED


def own_and_other(share: NDArray[np.float64], subtasks: Sequence[int]) -> tuple[float, float]:
    """Mean share of a class's images that fires its own branch, and any other one."""
    labels = np.flatnonzero(~np.isnan(share[:, 0]))
    own = share[labels, np.asarray(subtasks)[labels]]
    others = max(share.shape[1] - 1, 1)
    return float(own.mean()), float((share[labels].sum(axis=1) - own).mean() / others)


def findings_sentences(found: Findings, policy: Policy = GATED, *, every: bool) -> list[str]:
    """Dead, overloaded and duplicate branches by number and figure, and what was looked for."""
    one_is, two_are = policy.branch, policy.branches
    a_branch, branches = one_is.capitalize(), two_are.capitalize()
    if every:
        return [f"Every {one_is} fires for every image, so none stands out by its load."]
    lines = [
        f"**{a_branch} {branch} is dead**: it fires for {100 * share:.2f} % of images, less than "
        f"{DEAD:g} of an even share of {100 * found.even:.0f} %."
        for branch, share in found.dead
    ]
    lines += [
        f"**{a_branch} {branch} is overloaded**: it fires for {100 * share:.1f} % of images, "
        f"{share / found.even:.1f} times an even share."
        for branch, share in found.overloaded
    ]
    lines += [
        f"**{branches} {one} and {other} are duplicates**: of the images that fire either, "
        f"{100 * share:.0f} % fire both."
        for one, other, share in found.duplicates
    ]
    if not found.dead:
        lines.append(f"No {one_is} is dead: none fires for less than {DEAD:g} of an even share.")
    if not found.overloaded:
        lines.append(
            f"No {one_is} is overloaded: none fires for more than {OVERLOADED:g} even shares."
        )
    if not found.duplicates:
        lines.append(
            f"No two {two_are} are duplicates: no pair fires together for {100 * DUPLICATE:.0f} % "
            "or more of the images that fire either."
        )
    return lines


def firing_text(
    share: NDArray[np.float64], subtasks: Sequence[int] | None, policy: Policy = GATED
) -> str:
    """The map for who does not see it."""
    text = (
        f"Map of {share.shape[0]} classes and {share.shape[1]} {policy.branches}: the share of "
        f"each class's images that fires each {policy.branch}."
    )
    if subtasks is None:
        return text
    own, other = own_and_other(share, subtasks)
    return (
        f"{text} A class's own branch fires for {100 * own:.0f} percent of its images on average, "
        f"any other for {100 * other:.0f} percent."
    )


def load_text(share: NDArray[np.float64], called: str = "branch") -> str:
    """Bars of the load. `called`: what a branch is called."""
    each = ", ".join(f"{called} {b} {100 * s:.0f}" for b, s in enumerate(share))
    return f"Bars of the percentage of images that fires each {called}: {each}."


def reliability_sentence(found: Reliability, what: str, right: str) -> str:
    """Whether it is too sure or not sure enough, and the calibration error."""
    known = found.images > 0
    weights = found.images[known] / found.images.sum()
    gap = 100 * float((weights * (found.confidence[known] - found.right[known])).sum())
    if abs(gap) < 1:
        leaning = "On average it is as sure as it should be"
    else:
        leaning = f"On average it is {abs(gap):.1f} points too {'sure' if gap > 0 else 'unsure'}"
    return (
        f"Each bar: of the images where {what} in that range, the share where {right}. Bars under "
        f"the dotted line are too sure, bars over it not sure enough. {leaning}; the expected "
        f"calibration error is {100 * found.ece:.1f} points (0 is best)."
    )


def reliability_text(found: Reliability, subject: str) -> str:
    """The diagram for who does not see it."""
    bins = len(found.images)
    each = ", ".join(
        f"{100 * b // bins} to {100 * (b + 1) // bins} percent: {100 * found.right[b]:.0f}"
        for b in range(bins)
        if found.images[b]
    )
    return (
        f"Bars of how often the {subject} is right in percent, by its confidence: {each}. "
        f"Expected calibration error {100 * found.ece:.1f} points."
    )


def together_in_subtasks(
    groups: Sequence[str], subtasks: Sequence[int]
) -> tuple[int, int, float, float]:
    """Superclasses that lie in one subtask, superclasses in all, the share of pairs of one
    superclass that share a subtask, and that share were classes dealt by chance."""
    group, subtask = np.asarray(groups), np.asarray(subtasks)
    whole = sum(len(set(subtask[group == name])) == 1 for name in np.unique(group))
    upper = np.triu_indices(len(group), 1)
    same_group = (group[:, None] == group[None, :])[upper]
    same_subtask = (subtask[:, None] == subtask[None, :])[upper]
    return (
        whole, len(np.unique(group)),
        float(same_subtask[same_group].mean()) if same_group.any() else float("nan"),
        float(same_subtask.mean()),
    )  # fmt: skip
