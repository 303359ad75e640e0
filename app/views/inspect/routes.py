"""The switchboard at a glance, and what every other choice would have given."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import state
from app.charts.choices import NOTHING, change_bars, subsets_scatter
from app.charts.html import escaped
from app.charts.words import changes_text, subsets_text
from app.inspection import Inspection
from app.views.clicks import clicked
from app.views.text import plain
from app.words.policies import a
from hydranet.routing.choices import Subsets, every_subset, single_changes
from hydranet.routing.switchboard import Examined, Switchboard

_CHART = {"displayModeBar": False}
_SUBSETS = "subsets"


def show_routes(inspection: Inspection) -> None:
    """Every branch with who decides about it, then one branch more or less, then every subset."""
    examined, board = inspection.examined, inspection.board
    if examined is None or board is None:
        st.info("A static network has one route: all of it. Pick a Hydra network to see others.")
        return
    policy = inspection.card.policy
    _sentence(inspection, board)
    changes, subsets = st.columns(2, gap="medium")
    with changes:
        _single_changes(inspection, examined)
    with subsets:
        _every_subset(inspection, examined)
    st.markdown(f"**Every {policy.branch}**")
    st.dataframe(
        switchboard_table(inspection, board),
        hide_index=True,
        height="content",
        column_config={
            "gate score": st.column_config.NumberColumn(format="%.2f"),
            "confidence": st.column_config.NumberColumn(format="%.1f %%"),
            "weight": st.column_config.NumberColumn(format="%.3f"),
            "subtask": st.column_config.TextColumn(width="large"),
        },
    )
    meaning = "Confidence: the softmax of the gate's scores over all branches. Weight: over those "
    if not policy.gate:
        meaning = "No gate chooses. Weight: the same for all those "
    elif policy.in_a_row:
        meaning = "Score: the doubt that the one before left. Confidence: the least doubt so far, "
        meaning += f"by which an image goes on. Weight: the last {policy.branch} answers, of those "
    elif policy.by_token:
        meaning = f"Confidence: the mean share that the {policy.gate} gives over the patches, the "
        meaning += "score is its logarithm. Weight: the same where a patch went there, of those "
    st.caption(
        f"{meaning}that fired. Switch {policy.branches} in the switchboard on the left, or open "
        "one in the picture."
    )


def _sentence(inspection: Inspection, board: Switchboard) -> None:
    """The settings in words."""
    off, on = (", ".join(map(str, sorted(some))) for some in (board.off, board.on))
    policy = inspection.card.policy
    parts = [f"The {policy.gate} may pick k\u00a0=\u00a0{board.k}"]
    if not policy.gate:
        parts = [f"The first k\u00a0=\u00a0{board.k} {policy.branches} run"]
    elif policy.in_a_row:
        parts = [f"An image comes to at most {board.k} {policy.branches}"]
        if board.threshold:
            parts.append(f"and goes on while {100 * board.threshold:.0f}\u00a0% doubt is left")
    elif board.threshold:
        parts.append(f"and drops those below {100 * board.threshold:.0f}\u00a0% confidence")
    if on:
        parts.append(f"; you switched on {on}")
    if off:
        parts.append(f"; you switched off {off}")
    fired = ", ".join(map(str, sorted(inspection.found.fired)))
    st.markdown(f"{' '.join(parts).replace(' ;', ';')}. Fired: **{fired}**.")


def switchboard_table(inspection: Inspection, board: Switchboard) -> pd.DataFrame:
    """A row for each branch, best-scored first: state, gate score and confidence in percent where
    there is a gate, weight, subtask."""
    found, card = inspection.found, inspection.card
    weights = dict(zip(found.fired, found.weights, strict=True))
    count = card.costs.num_branches
    subtasks = card.subtasks or [[] for _ in range(count)]
    table = pd.DataFrame(
        {
            card.policy.branch: range(count),
            "state": [
                ("fired" if b in weights else "did not fire")
                + (", switched on" if b in board.on else ", switched off" if b in board.off else "")
                for b in range(count)
            ],
            "gate score": found.gate_scores,
            "confidence": 100 * found.gate_confidence,
            "weight": [weights.get(b, 0.0) for b in range(count)],
            "subtask": [
                ", ".join(inspection.class_name(c) for c in classes) or "every class"
                for classes in subtasks
            ],
        }
    )
    if not card.policy.gate:
        table = table.drop(columns=["gate score", "confidence"])
    return table.iloc[card.policy.order(found.gate_scores)]


def _single_changes(inspection: Inspection, examined: Examined) -> None:
    found, asked = inspection.found, inspection.class_in_question
    name = inspection.class_name(asked)
    probability = float(found.probabilities[asked])
    changes = single_changes(examined, found.fired, asked)
    st.plotly_chart(
        change_bars(
            changes, probability, found.best, _names(inspection), branch=found.policy.branch
        ),
        key="changes",
        config=_CHART,
        alt=changes_text(changes, probability, name),
    )
    other = sum(change.answer != found.best for change in changes)
    one = a(found.policy.branch)
    turned = f"{other} of these {len(changes)} changes" if other else "None of these changes"
    st.caption(
        f"By how much {plain(name)}, {100 * probability:.1f}\u00a0% now, would be more or less "
        f"probable without {one} that fired (full colour) or with one that did not (pale). "
        f"{turned} would change the answer{' (★)' if other else ''}."
    )


def _every_subset(inspection: Inspection, examined: Examined) -> None:
    found, asked = inspection.found, inspection.class_in_question
    subsets = every_subset(examined, found.fired, asked)
    name = inspection.class_name(asked)

    def run_it() -> None:
        if route := clicked(_SUBSETS):
            branches = [int(b) for b in route.split()]
            policy = examined.policy
            if policy.by_token and inspection.board is not None:
                count = len(examined.gate_scores)
                board = Switchboard.among(branches, count, k=inspection.board.k)
            else:
                board = Switchboard.firing(branches, examined.gate_scores, policy)
            state.set_board(board, policy)

    st.plotly_chart(
        subsets_scatter(subsets, asked, _names(inspection)),
        key=_SUBSETS,
        config=_CHART,
        on_select=run_it,
        selection_mode="points",
        alt=subsets_text(subsets, name),
    )
    count = len(examined.gate_scores)
    many = examined.policy.branches
    pool = (
        f"all {many}"
        if len(subsets.pool) == count
        else f"the {len(subsets.pool)} best-scored {many}"
    )
    st.caption(
        f"Every subset of {pool}: blue where {plain(name)} is the answer. {_regret(subsets, name)} "
        "**Click a point** to run that route."
    )


def _regret(subsets: Subsets, name: str) -> str:
    if subsets.regret < NOTHING:
        return f"No route of at most its cost makes {plain(name)} more probable: no regret."
    best = ", ".join(map(str, subsets.fired(subsets.best)))
    would, ran = (100 * subsets.probability[i] for i in (subsets.best, subsets.chosen))
    return (
        f"At the same cost or less, running {best} would give {would:.1f}\u00a0% instead of "
        f"{ran:.1f}\u00a0%: a regret of {100 * subsets.regret:.1f} points."
    )


def _names(inspection: Inspection) -> list[str]:
    """Of all classes, as Plotly may show them."""
    card = inspection.card
    return [escaped(inspection.class_name(c)) for c in range(len(card.class_names))]
