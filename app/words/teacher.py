"""With a teacher or without: what is said of it, and who is alike in it. Pure.

A teacher gives a network points that its architecture does not, so networks are held against each
other only where both had one or both had none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hydranet.checkpoints import Checkpoint
from hydranet.checkpoints.card import Card

WITH, WITHOUT = "with a teacher", "without a teacher"


def with_or_without(teacher: str | None) -> str:
    """How a network was trained that had this teacher, or None."""
    return WITH if teacher else WITHOUT


def taught_alike(one: str | None, other: str | None) -> bool:
    """Whether networks with these teachers both had one, or both had none."""
    return bool(one) == bool(other)


def alike_first(card: Card, others: Iterable[Checkpoint]) -> list[Checkpoint]:
    """Those that were trained with or without a teacher as `card` was, then the rest."""
    mine = card.teacher
    return sorted(others, key=lambda other: not taught_alike(other.card.teacher, mine))


def rule_words(teachers: Sequence[str | None]) -> str:
    """Which of ours, with these teachers, are held against each other; empty where none had one."""
    if not any(teachers):
        return ""
    if all(teachers):
        return "All of ours here were trained with a teacher."
    return (
        "Of ours, some were trained with a teacher and some without a teacher; only networks alike "
        "in this are held against each other."
    )


def unlike_words(cards: Sequence[Card]) -> str:
    """A warning where some of these networks had a teacher and some had none; else empty."""
    taught = [card.name for card in cards if card.teacher]
    untaught = [card.name for card in cards if not card.teacher]
    if not taught or not untaught:
        return ""
    return (
        f"Trained with a teacher: {', '.join(taught)}; without a teacher: {', '.join(untaught)}. "
        "What sets the one apart from the other is not the architecture alone."
    )
