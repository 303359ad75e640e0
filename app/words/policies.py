"""What is said of a network by how its branches are chosen. Pure.

Every sentence is made of the words of the policy, so those of a network of one's own stand in them.
"""

from __future__ import annotations

from hydranet.checkpoints.card import Card
from hydranet.costs import Costs
from hydranet.routing.policies import Policy


def picture_words(card: Card) -> str:
    """Below the picture of a dynamic network: what to see in it."""
    policy = card.policy
    if policy.in_a_row:
        return (
            f"**Click a part** to open it below. {policy.branches.capitalize()} stand in a row, "
            "and the image leaves at the first that is sure enough: bars show how sure each is, "
            "the dotted line how sure it must be. Grey did not run."
        )
    if policy.by_token:
        return (
            f"**Click a part** to open it below. The {policy.gate} chooses for every patch of the "
            f"image. Bars and line width: what each {policy.branch} counts in the answer, a mean "
            "over all patches. Grey got no patch."
        )
    if not policy.gate:
        return (
            f"**Click a part** to open it below. No gate chooses: the branches are "
            f"{policy.branches}, each answers for every class, and the answers of those that run "
            "are averaged."
        )
    meant = (
        "hover over a branch for its subtask, the classes it is meant for. "
        if card.subtasks
        else ""
    )
    return (
        f"**Click a part** to open it below; {meant}Bars: how sure the {policy.gate} is of each. "
        "Line width: the weight in the answer. Grey did not run."
    )


def no_gate_words(policy: Policy) -> str:
    """Why a gate's score cannot be asked about."""
    if policy.in_a_row:
        return (
            f"This network has no gate that could be asked: an image goes on to the next "
            f"{policy.branch} where the one before is in doubt. Ask why this answer."
        )
    if policy.by_token:
        return (
            f"The {policy.gate} of this network chooses for every patch of the image by itself, so "
            f"there is no one score of {a(policy.branch)} to explain. Ask why this answer; "
            "Parts shows which patch went where."
        )
    return (
        f"This network has no gate that could be asked: its {policy.branches} run without one, and "
        f"all count alike. Ask why this answer, or for one {policy.branch}'s share of it."
    )


def no_subtask_words(policy: Policy) -> str:
    """Of a branch that is meant for no classes in particular."""
    return f"{a(policy.branch).capitalize()} has no subtask: it answers for every class."


def how_many_words(policy: Policy, costs: Costs) -> str:
    """How many branches run for an image."""
    if policy.in_a_row:
        return f"up to {costs.k} of {costs.num_branches} {policy.branches} run for an image"
    if policy.by_token:
        return f"{costs.k} of {costs.num_branches} {policy.branches} run for each patch"
    return f"{costs.k} of {costs.num_branches} {policy.branches} run for an image"


def a(noun: str) -> str:
    """The noun with its article."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
