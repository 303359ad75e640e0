"""What the visitor asks about an answer or a route, and by which method; the address keeps both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from app import state
from app.inspection import Inspection
from app.words.policies import no_gate_words
from hydranet.errors import InputError
from hydranet.routing.policies import Policy

if TYPE_CHECKING:
    from hydranet.explain.targets import Target

ANSWER = "this answer"
SHARE = "one branch's share of it"
SCORE = "one branch's gate score"
MARGIN = "this branch and not the next"

_HELD = "The route is held still meanwhile: the same branches count with the same weights."


@dataclass(frozen=True, kw_only=True)
class Question:
    """One number of the network that is explained.

    `number`: what it is; `raises`, `lowers`: what a red and a blue pixel do; `unit`: of the values;
    `note`: what else must be known; `branches`: whose shares are explained beside it, with the
    target of each. Class names in the texts are as they stand in the file.
    """

    number: str
    raises: str
    lowers: str
    unit: str
    note: str = ""
    target: Target
    branches: tuple[tuple[int, Target], ...] = ()


def choose_question(inspection: Inspection) -> Question:
    """What is to be explained.

    Raises:
        InputError: the network or the route does not have it; the sentence says why.
    """
    asked = {ANSWER: _answer, SHARE: _share, SCORE: _score, MARGIN: _margin}
    names = list(asked) if inspection.found.fired else [ANSWER]
    shown = {}
    if inspection.class_in_question != inspection.found.best:
        shown[ANSWER] = f"{inspection.class_name(inspection.class_in_question)}, not the answer"
    return asked[_select("Why", names, state.WHY, shown=shown)](inspection)


def choose_method(policy: Policy) -> str:
    """One of the methods of `hydranet.explain`; Grad-CAM only where branches see whole maps."""
    from hydranet.explain.methods import GRAD_CAM, METHODS

    names = [method.name for method in METHODS if method is not GRAD_CAM or not policy.by_token]
    return _select(
        "Method",
        names,
        state.METHOD,
        help="DeepLift and layer-wise relevance propagation are not offered: they set rules on "
        "every module, and fail on a network of which only a part runs.",
    )


def _answer(inspection: Inspection) -> Question:
    from hydranet.explain.targets import BranchShare, ClassLogit

    asked = inspection.class_in_question
    name = inspection.class_name(asked)
    return Question(
        number=f"the logit of {name}",
        raises=f"speak for {name}",
        lowers="speak against it",
        unit="logit",
        note=_HELD if inspection.found.fired else "",
        target=ClassLogit(asked),
        branches=()
        if inspection.card.policy.by_token
        else tuple((b, BranchShare(b, asked)) for b in inspection.found.fired),
    )


def _share(inspection: Inspection) -> Question:
    from hydranet.explain.targets import BranchShare

    policy = inspection.card.policy
    if policy.by_token:
        raise InputError(no_gate_words(policy))
    branch = _branch(f"{policy.branch.capitalize()} that fired", inspection.found.fired)
    asked = inspection.class_in_question
    name = inspection.class_name(asked)
    return Question(
        number=f"what {policy.branch} {branch} adds to the logit of {name}",
        raises=f"make {policy.branch} {branch} speak for {name}",
        lowers="make it speak against",
        unit="logit",
        note=_HELD,
        target=BranchShare(branch, asked),
    )


def _score(inspection: Inspection) -> Question:
    from hydranet.explain.targets import GateScore

    _check_gate(inspection)
    scores = inspection.found.gate_scores
    branch = _branch("Branch", sorted(range(len(scores)), key=lambda b: -scores[b]))
    return Question(
        number=f"the gate's score of branch {branch}",
        raises=f"raise the score of branch {branch}",
        lowers="lower it",
        unit="score",
        target=GateScore(branch),
    )


def _margin(inspection: Inspection) -> Question:
    from hydranet.explain.targets import GateMargin

    _check_gate(inspection)
    margin = inspection.found.gate_margin
    if margin is None:
        raise InputError("Every branch fired, so none was refused. Lower k to see a margin.")
    last, first, _ = margin
    return Question(
        number=f"the gate's lead of branch {last} over branch {first}",
        raises=f"speak for branch {last}",
        lowers=f"speak for branch {first}",
        unit="score",
        note=f"Branch {last} was the last that fired, branch {first} the first that did not; the "
        "lead is the step between their scores.",
        target=GateMargin(last, first),
    )


def _check_gate(inspection: Inspection) -> None:
    policy = inspection.card.policy
    if not inspection.card.architecture.has_gate or policy.by_token:
        raise InputError(no_gate_words(policy))


def _branch(label: str, branches: Sequence[int]) -> int:
    return int(_select(label, [str(b) for b in branches], state.WHY_BRANCH))


def _select(
    label: str,
    names: list[str],
    key: str,
    *,
    help: str | None = None,
    shown: Mapping[str, str] | None = None,
) -> str:
    """A choice that the address keeps; one that is not there any more gives way to the first."""
    if st.session_state.get(key) not in (None, *names):
        st.session_state[key] = names[0]
    called = shown or {}
    return st.selectbox(
        label,
        names,
        key=key,
        bind="query-params",
        help=help,
        format_func=lambda name: called.get(name, name),
    )
