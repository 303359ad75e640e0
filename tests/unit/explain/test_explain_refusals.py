"""What explanations refuse, and in what words; and the margin that decides a route."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from explain_networks import picture, tiny

from hydranet.errors import InputError
from hydranet.explain import (
    BranchShare,
    ClassLogit,
    GateMargin,
    GateScore,
    attribute,
    body_maps,
    branch_maps,
    branch_values,
    estimate_seconds,
    gate_maps,
    gate_margin,
    stem_maps,
)
from hydranet.routing.routes import PADDING, Route, top_k_route

TWO = Route(torch.tensor([[1, 3]]), torch.tensor([[0.5, 0.5]]), 4)


@pytest.mark.parametrize(
    ("target", "options", "sentence"),
    [
        (ClassLogit(6), {}, "A class must be from 0 to 5, not 6"),
        (ClassLogit(-1), {}, "A class must be from 0 to 5, not -1"),
        (BranchShare(1, 6), {"route": TWO}, "A class must be from 0 to 5, not 6"),
        (BranchShare(4, 0), {}, "A branch must be from 0 to 3, not 4"),
        (BranchShare(0, 0), {"route": TWO}, r"Branch 0 has no share: only \[1, 3\] fire"),
        (GateScore(4), {}, "A branch must be from 0 to 3, not 4"),
        (GateMargin(0, -1), {}, "A branch must be from 0 to 3, not -1"),
        (GateMargin(2, 2), {}, "two different branches, not 2 twice"),
        (
            ClassLogit(0),
            {"route": Route(torch.zeros(2, 1).long(), torch.ones(2, 1), 4)},
            "route of one image must be held, not of 2",
        ),
        (ClassLogit(0), {"method": "lime"}, "no attribution method 'lime'.*grad-cam, integrated"),
        (ClassLogit(0), {"steps": 4}, "grad-cam has no steps"),
        (ClassLogit(0), {"method": "integrated gradients", "steps": 0}, "at least 1 step, not 0"),
        (ClassLogit(0), {"x": torch.zeros(2, 3, 16, 16)}, r"One image.*not \(2, 3, 16, 16\)"),
        (ClassLogit(0), {"x": torch.zeros(3, 16, 16)}, r"One image.*not \(3, 16, 16\)"),
    ],
)
def test_attribute_and_estimate_refuse(target: Any, options: dict[str, Any], sentence: str) -> None:
    given = {"x": picture(), "method": "grad-cam", **options}
    for explain in (attribute, estimate_seconds):
        rest = {key: value for key, value in given.items() if key not in ("x", "method")}
        with pytest.raises(InputError, match=sentence):
            explain(tiny(), given["x"], target, given["method"], **rest)


@pytest.mark.parametrize("target", [BranchShare(0, 0), GateScore(0), GateMargin(0, 1)])
def test_a_static_network_has_only_logits(target: Any) -> None:
    with pytest.raises(InputError, match="static network has no branches and no gate"):
        attribute(tiny("resnet8"), picture(), target, "grad-cam")
    with pytest.raises(InputError, match="static network takes no route"):
        attribute(tiny("resnet8"), picture(), ClassLogit(0), "grad-cam", route=TWO)


@pytest.mark.parametrize("target", [GateScore(0), GateMargin(0, 1)])
def test_heads_have_no_gate_to_explain(target: Any) -> None:
    with pytest.raises(InputError, match="No gate that learned chooses among the heads"):
        attribute(tiny("multihead_resnet"), picture(), target, "occlusion")
    with pytest.raises(InputError, match="No gate that learned chooses among the heads"):
        gate_maps(tiny("multihead_resnet"), picture())


def test_maps_and_values_refuse() -> None:
    static, hydra, x = tiny("resnet8"), tiny(), picture()
    with pytest.raises(InputError, match="static network has no branches"):
        branch_maps(static, x, 0)
    with pytest.raises(InputError, match="static network has no branches"):
        gate_maps(static, x)
    with pytest.raises(InputError, match="static network has no branches"):
        branch_values(static, x)
    with pytest.raises(InputError, match="A branch must be from 0 to 3, not 4"):
        branch_maps(hydra, x, 4)
    with pytest.raises(InputError, match="has no feature maps before pooling"):
        body_maps(hydra, x)
    with pytest.raises(InputError, match="One image"):
        stem_maps(hydra, x[0])


def test_the_margin_that_decides() -> None:
    scores = torch.tensor([[0.1, 2.0, -1.0, 0.5]])
    assert gate_margin(scores, top_k_route(scores, 1)) == GateMargin(1, 3)
    assert gate_margin(scores, top_k_route(scores, 2)) == GateMargin(3, 0)
    assert gate_margin(scores, top_k_route(scores, 3)) == GateMargin(0, 2)
    padded = Route(torch.tensor([[1, PADDING]]), torch.tensor([[1.0, 0.0]]), 4)
    assert gate_margin(scores, padded) == GateMargin(1, 3)
    with pytest.raises(InputError, match="Every branch fires"):
        gate_margin(scores, top_k_route(scores, 4))
