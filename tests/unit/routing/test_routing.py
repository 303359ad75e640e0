"""Routes: what top-k chooses, what a mask chooses, what the views say, and what is refused."""

from __future__ import annotations

import pytest
import torch

from hydranet.errors import InputError
from hydranet.models import HydraNet, create_model
from hydranet.routing.routes import PADDING, Route, dynamic_route, masked_route, top_k_route

SCORES = torch.tensor([[0.1, 3.0, -1.0, 2.0], [5.0, 1.0, 4.0, 1.5]])


@pytest.fixture
def model() -> HydraNet:
    network = create_model(
        "hydra_res_d1", num_branches=4, k=2, widths=(4, 4, 8), image_size=16, num_classes=5
    )
    assert isinstance(network, HydraNet)
    return network.eval()


def test_top_k_takes_the_best_scored_first() -> None:
    route = top_k_route(SCORES, 2)
    assert route.indices.tolist() == [[1, 3], [0, 2]]
    expected = torch.tensor([[3.0, 2.0], [5.0, 4.0]]).softmax(dim=1)
    torch.testing.assert_close(route.weights, expected)
    assert route.num_branches == 4


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_weights_sum_to_one(k: int) -> None:
    torch.testing.assert_close(top_k_route(SCORES, k).weights.sum(dim=1), torch.ones(2))


@pytest.mark.parametrize("k", [0, -1, 5])
def test_k_out_of_range(k: int, model: HydraNet) -> None:
    with pytest.raises(InputError, match=f"k must be from 1 to 4.*not {k}"):
        top_k_route(SCORES, k)
    with pytest.raises(InputError, match="k must be from 1 to 4"):
        model(torch.zeros(1, 3, 16, 16), k=k)


def test_views() -> None:
    route = Route(torch.tensor([[2, 0], [3, PADDING]]), torch.tensor([[0.7, 0.3], [1.0, 0.0]]), 4)
    assert route.mask.dtype == torch.bool
    assert route.mask.int().tolist() == [[1, 0, 1, 0], [0, 0, 0, 1]]
    expected = torch.tensor([[0.3, 0, 0.7, 0], [0, 0, 0, 1.0]])
    torch.testing.assert_close(route.dense_weights, expected)
    assert route.counts.tolist() == [2, 1]


def test_padding_adds_nothing_whatever_its_weight() -> None:
    route = Route(torch.tensor([[PADDING, 1]]), torch.tensor([[9.0, 1.0]]), 3)
    assert route.dense_weights.tolist() == [[0.0, 1.0, 0.0]]
    assert route.mask.tolist() == [[False, True, False]]


def test_gradient_reaches_the_scores() -> None:
    scores = SCORES.clone().requires_grad_()
    top_k_route(scores, 2).dense_weights[:, 1].sum().backward()
    assert scores.grad is not None
    assert scores.grad[0, [1, 3]].all()
    assert not scores.grad[:, 2][0]


def test_the_threshold_drops_branches_that_the_gate_is_not_confident_of() -> None:
    scores = torch.tensor([[3.0, 2.0, 1.0, -9.0], [0.0, 0.0, 9.0, 0.0]])
    confidence = scores.softmax(dim=1)
    route = dynamic_route(scores, 3, 0.2)
    assert route.indices.tolist() == [[0, 1, PADDING], [2, PADDING, PADDING]]
    assert float(confidence[0, 1]) > 0.2 > float(confidence[0, 2])
    torch.testing.assert_close(route.weights[0, :2], scores[0, :2].softmax(dim=0))
    assert route.weights[1].tolist() == [1.0, 0.0, 0.0]


def test_without_a_threshold_dynamic_k_is_top_k_and_at_one_the_best_branch_alone() -> None:
    assert torch.equal(dynamic_route(SCORES, 3, 0.0).mask, top_k_route(SCORES, 3).mask)
    assert torch.equal(dynamic_route(SCORES, 3, 1.0).mask, top_k_route(SCORES, 1).mask)


def test_a_threshold_out_of_range_is_refused() -> None:
    with pytest.raises(InputError, match=r"from 0 to 1, not 1\.5"):
        dynamic_route(SCORES, 2, 1.5)


def test_a_forward_with_a_threshold_runs_the_dynamic_route(model: HydraNet) -> None:
    x = torch.randn(5, 3, 16, 16)
    scores = model(x).gate_scores
    threshold = float(scores.detach().softmax(dim=1).topk(2, dim=1).values[:, 1].median())
    output = model(x, k=3, threshold=threshold)
    expected = dynamic_route(scores, 3, threshold)
    assert torch.equal(output.route.mask, expected.mask)
    assert 5 < int(output.route.counts.sum()) < 15
    torch.testing.assert_close(output.logits, model(x, route=expected).logits)


def test_a_mask_chooses_exactly_its_branches() -> None:
    mask = torch.tensor([[True, False, False, True], [False, True, False, False]])
    route = masked_route(SCORES, mask)
    assert torch.equal(route.mask, mask)
    assert route.indices.tolist() == [[3, 0], [1, PADDING]]
    assert route.weights[1].tolist() == [1.0, 0.0]
    torch.testing.assert_close(route.weights.sum(dim=1), torch.ones(2))


def test_the_mask_of_top_k_gives_its_route() -> None:
    route = top_k_route(SCORES, 3)
    again = masked_route(SCORES, route.mask)
    assert torch.equal(again.indices, route.indices)
    torch.testing.assert_close(again.weights, route.weights)


def test_a_mask_without_a_branch_is_refused() -> None:
    mask = torch.tensor([[True, True, True, True], [False] * 4])
    with pytest.raises(InputError, match="At least one branch"):
        masked_route(SCORES, mask)


def test_a_mask_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match=r"\(2, 4\), not \(2, 3\)"):
        masked_route(SCORES, torch.ones(2, 3, dtype=torch.bool))


@pytest.mark.parametrize(
    ("indices", "sentence"),
    [
        ([[0, 4]], "0 to 3 .*names 4"),
        ([[-2, 1]], "names -2"),
        ([[1, 1]], "one branch twice"),
        ([[]], "empty"),
        ([[0, 1], [PADDING, PADDING]], "at least one branch for every image"),
    ],
)
def test_check_refuses(indices: list[list[int]], sentence: str) -> None:
    index = torch.tensor(indices, dtype=torch.int64)
    with pytest.raises(InputError, match=sentence):
        Route(index, torch.ones(index.shape), 4).check()


def test_check_lets_two_paddings_pass() -> None:
    Route(torch.tensor([[1, PADDING, PADDING]]), torch.tensor([[1.0, 0, 0]]), 4).check()


@pytest.mark.parametrize("shape", [(2,), (2, 3)])
def test_indices_and_weights_need_one_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="one shape"):
        Route(torch.zeros(shape, dtype=torch.int64), torch.zeros(2, 2), 4)
    with pytest.raises(InputError, match="one shape"):
        Route(torch.zeros(2, dtype=torch.int64), torch.zeros(2), 4)


def test_a_given_route_is_held_still(model: HydraNet) -> None:
    """The branches that run are those of the route, whatever the gate would have chosen."""
    x = torch.randn(3, 3, 16, 16)
    ran: list[int] = []
    hooks = [
        branch.register_forward_hook(lambda *_, index=index: ran.append(index))
        for index, branch in enumerate(model.branches)
    ]
    free = model(x)
    scores = free.gate_scores
    worst = (-scores).topk(2, dim=1).indices
    route = Route(worst, torch.full((3, 2), 0.5), 4)
    ran.clear()
    output = model(x, route=route)
    for hook in hooks:
        hook.remove()
    assert output.route is route
    assert sorted(set(ran)) == sorted(set(worst.flatten().tolist()))
    assert not torch.allclose(output.logits, free.logits)
    torch.testing.assert_close(output.gate_scores, scores)


def test_a_models_own_route_given_back_changes_nothing(model: HydraNet) -> None:
    x = torch.randn(3, 3, 16, 16)
    free = model(x, k=3)
    torch.testing.assert_close(model(x, route=free.route).logits, free.logits)


def test_k_and_route_together_are_refused(model: HydraNet) -> None:
    x = torch.randn(1, 3, 16, 16)
    with pytest.raises(InputError, match="either a route or k"):
        model(x, k=2, route=model(x).route)
    with pytest.raises(InputError, match="either a route or k"):
        model(x, threshold=0.5, route=model(x).route)


@pytest.mark.parametrize(
    "route",
    [
        Route(torch.zeros(2, 1, dtype=torch.int64), torch.ones(2, 1), 4),  # two images
        Route(torch.zeros(1, 1, dtype=torch.int64), torch.ones(1, 1), 3),  # three branches
        Route(torch.full((1, 1), 4), torch.ones(1, 1), 4),
        Route(torch.ones(1, 2, dtype=torch.int64), torch.ones(1, 2), 4),  # twice
    ],
)
def test_a_route_that_does_not_fit_is_refused(model: HydraNet, route: Route) -> None:
    with pytest.raises(InputError, match="route"):
        model(torch.zeros(1, 3, 16, 16), route=route)
