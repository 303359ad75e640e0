"""How firm an answer is, in sentences. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from app.charts.stability import Step, rows_of, signed


def firmness_sentences(steps: Sequence[Step], *, unchanged: int, unit: str) -> list[str]:
    """Where other branches first fire, where the answer changes, and what the change is made of.

    First is nearest to the unchanged image. Names of classes are as they stand in the file.
    """
    own = steps[unchanged]
    nearest = sorted(range(len(steps)), key=lambda i: (abs(i - unchanged), i))
    sentences = []
    if own.fired:
        other = next((i for i in nearest if set(steps[i].fired) != set(own.fired)), None)
        sentences.append(
            "The same branches fire over the whole range."
            if other is None
            else f"Other branches first fire at {_at(steps[other], unit)}."
        )
    another = next((i for i in nearest if not steps[i].same), None)
    if another is None:
        sentences.append(f"The answer stays {own.answer} over the whole range.")
    else:
        step = steps[another]
        sentences.append(f"The answer first changes at {_at(step, unit)}, to {step.answer}.")
    if own.fired:
        worst = steps[another] if another is not None else min(steps, key=lambda s: s.free)
        sentences.append(
            f"At {_at(worst, unit)} the probability of {own.answer} moves from {own.free:.0f} to "
            f"{worst.free:.0f} %: {signed(worst.held - own.held)} points because the pixels "
            f"changed, {signed(worst.by_route)} because the route did, its branches and weights."
        )
    return sentences


def _at(step: Step, unit: str) -> str:
    """A setting as it is read."""
    if unit == "×":
        return f"×{step.label}"
    return f"{step.label}°" if unit == "°" else f"{step.label} {unit}"


def stability_text(steps: Sequence[Step], *, unchanged: int, dial: str) -> str:
    """The figure for a screen reader."""
    own = steps[unchanged]
    shown = "; ".join(
        f"{step.label}: {step.answer}, {own.answer} {step.free:.0f} percent" for step in steps
    )
    branches = ", ".join(str(b) for b in rows_of(steps, unchanged))
    fired = f" Branches that fire somewhere: {branches}." if branches else ""
    return f"The answer as the dial {dial} is turned. {shown}.{fired}"
