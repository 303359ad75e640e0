"""What the route cost, beside all branches and beside a static network that is as often right."""

from __future__ import annotations

import streamlit as st

from app import services
from app.charts.answer import cost_bar
from app.charts.words import cost_text
from app.comparing.baseline import static_baseline, top1_of_route
from app.inspection import Inspection
from app.views.text import plain
from app.words.engines import engine_words
from app.words.teacher import with_or_without
from hydranet.checkpoints import Checkpoint

_CHART = {"displayModeBar": False}


def show_cost(inspection: Inspection) -> None:
    """MACs by part, and MACs, milliseconds and top-1 beside what else could have run."""
    card, found = inspection.card, inspection.found
    st.plotly_chart(cost_bar(card, found), key="cost", config=_CHART, alt=cost_text(card, found))
    baseline = baseline_of(inspection)
    with st.container(key="cost_table"):
        st.markdown(cost_table(inspection, baseline))
    st.caption(" ".join([_parts(inspection), _measured(inspection, baseline)]))


def baseline_of(inspection: Inspection) -> Checkpoint | None:
    """The static network that is as often right as this one is with this setting, or with its own
    where nothing was measured with this; None if there is none."""
    fired = len(inspection.found.fired)
    if not fired:
        return None
    found, card = inspection.measured, inspection.card
    top1 = card.test.top1 if found is None else found.top1
    return static_baseline(card, services.checkpoints()[0], top1)


def cost_table(inspection: Inspection, baseline: Checkpoint | None = None) -> str:
    """This route, all branches, and a static baseline, as Markdown."""
    card, found, checkpoint = inspection.card, inspection.found, inspection.checkpoint
    count, fired = card.costs.num_branches, len(found.fired)
    measured = inspection.measured
    top1 = "–" if measured is None else f"{measured.top1:.2f}\u00a0%"
    rows = [
        "| | MACs | time | top-1 |\n|:--|--:|--:|--:|",
        "| **this route** | "
        f"**{found.macs / 1e6:.1f}\u00a0M** | **{inspection.timing.median:.1f}\u00a0ms** | "
        f"**{top1}** |",
    ]
    if fired and found.macs < card.costs.all_branches_macs:
        by_token = card.policy.by_token
        timing = (
            services.timing(checkpoint, None, k=count)
            if by_token
            else services.timing(checkpoint, tuple(range(count)))
        )
        rows.append(
            f"| all {count} | {card.costs.all_branches_macs / 1e6:.1f}\u00a0M | "
            f"{timing.median:.1f}\u00a0ms | {top1_of_route(card, count):.2f}\u00a0% |"
        )
    if baseline is not None:
        rows.append(
            f"| {plain(baseline.name)} | {baseline.card.costs.routed_macs / 1e6:.1f}\u00a0M | "
            f"{services.timing(baseline, None).median:.1f}\u00a0ms | "
            f"{baseline.card.test.top1:.2f}\u00a0% |"
        )
    return "\n".join(rows)


def _parts(inspection: Inspection) -> str:
    """MACs by part in words, for those who cannot hover."""
    costs, fired = inspection.card.costs, len(inspection.found.fired)
    policy = inspection.card.policy
    if not fired:
        return "All of it runs for every image."
    named = [
        ("stem", costs.stem.macs),
        (policy.gate, costs.gate.macs),
        (
            f"one {policy.branch}" if fired == 1 else f"{fired} {policy.branches}",
            sum(inspection.found.branch_macs),
        ),
        (policy.combiner, costs.combiner.macs),
    ]
    parts = ", ".join(f"{name} {macs / 1e6:.1f} M" for name, macs in named if macs >= 5e4)
    share = 100 * inspection.found.macs / costs.all_branches_macs
    return f"{share:.0f} % of all {policy.branches}' MACs: {parts}."


def _measured(inspection: Inspection, baseline: Checkpoint | None) -> str:
    timing = inspection.timing
    fired = len(inspection.found.fired)
    return (
        f"Time: median of {timing.runs} runs on this server, {engine_words(inspection.engine)}, "
        f"one thread, {timing.fastest:.1f} to {timing.slowest:.1f} ms. "
        f"{_top1_words(inspection)}" + (f" {_beside(inspection, baseline)}" if fired else "")
    )


def _top1_words(inspection: Inspection) -> str:
    """On what top-1 was measured, and with which setting."""
    card, board, policy = inspection.card, inspection.board, inspection.card.policy
    images = f"{card.test.images:,} test images"
    if board is None:
        return f"Top-1: on {images}."
    found = inspection.measured
    if found is None:
        return f"Top-1: not known, for none of the {images} was routed so."
    if policy.in_a_row:
        setting = (
            f"going on while at least {100 * board.threshold:g} % doubt is left, to {board.k} "
            f"{policy.branches} at most"
        )
    elif not policy.gate:
        return f"Top-1: on {images} if {board.k} {policy.branches} run."
    else:
        each = " for each patch" if policy.by_token else ""
        setting = f"with the {policy.gate} picking {board.k}{each}"
        if board.threshold:
            setting += f", {policy.branches} below {100 * board.threshold:g} % dropped"
    average = f", {found.mean_macs / 1e6:.1f} M MACs on average" if board.threshold else ""
    return f"Top-1: on {images}, {setting}{average}."


def _beside(inspection: Inspection, baseline: Checkpoint | None) -> str:
    """Which static network stands in the table, or which one is missing."""
    taught = with_or_without(inspection.card.teacher)
    if baseline is None:
        return f"Of our static networks none was trained {taught} on the same images as this one."
    known = inspection.measured is not None
    to_what = "" if known else " to that of this one with its own settings"
    return (
        f"{plain(baseline.name)}: our static network of nearest top-1{to_what}, same training "
        f"images, both {taught}."
    )
