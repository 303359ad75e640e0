"""What a perfect gate would be worth, in plain words. Pure."""

from __future__ import annotations

from hydranet.specialisation import GateByK, PerfectGate


def ceiling_sentences(ceiling: PerfectGate, found: GateByK, k: int) -> str:
    """Exactly where the log says so, else the bounds that it leaves; then what any log tells."""
    exact = _exact(ceiling, found, k)
    return f"{exact or _bounds(ceiling)}\n\n{_in_its_own_order(ceiling, found, k)}"


def _exact(ceiling: PerfectGate, found: GateByK, k: int) -> str | None:
    if ceiling.right is None or ceiling.swapped is None:
        return None
    now, perfect, swapped = (100 * x[k - 1] for x in (found.right, ceiling.right, ceiling.swapped))
    alone = 100 * ceiling.right[0]
    words = [
        f"A gate that always ranked the right branch first would be right for **{perfect:.1f} %** "
        f"of images at k = {k}, where this one is for {now:.1f} %. The right branch alone would be "
        f"right for {alone:.1f} %"
        + (f": the {k - 1} beside it take {alone - perfect:.1f} points away."
           if alone > perfect else ".")
    ]  # fmt: skip
    if k < len(found.right):
        words.append(
            "If the right branch ran in place of the last one wherever the gate misses it, but "
            f"with the little weight that the gate gives it, {swapped:.1f} % would be right."
        )
        if perfect - now > 1 and perfect - swapped > 2 * abs(swapped - now):
            words.append(
                "So it is not the misses that cost most: it is that the gate does not rank the "
                "right branch first."
            )
    return " ".join(words)


def _bounds(ceiling: PerfectGate) -> str:
    return (
        "A gate that always ran the right branch alone would be right for "
        f"{100 * ceiling.least:.1f} to {100 * ceiling.most:.1f} % of images. **This log cannot say "
        "more**: it holds the answers of the branches in the order in which the gate ranks them, "
        f"so it knows what the right branch answers alone only for the {100 * ceiling.known:.1f} % "
        f"of images where the gate ranks it first ({100 * ceiling.right_where_known:.1f} % of "
        "those are right). Logs that are written now know it of every image: evaluate the network "
        "again, with `hydranet evaluate` and `--write`."
    )


def _in_its_own_order(ceiling: PerfectGate, found: GateByK, k: int) -> str:
    return (
        f"With the gate as it is, had every image run at least {k} branches and as many more as it "
        f"takes to reach its own ({ceiling.patient_branches:.2f} on average), "
        f"{100 * ceiling.patient:.1f} % would be right instead of {100 * found.right[k - 1]:.1f} "
        f"%; with the best k for each image, {100 * ceiling.any_k:.1f} %."
    )
