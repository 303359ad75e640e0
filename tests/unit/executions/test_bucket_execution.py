"""Buckets give what each branch gives on its own rows: features, gradients, batch statistics."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hydranet.errors import InputError
from hydranet.executions import get_execution
from hydranet.executions.buckets import CAPACITY, capacity_of, fill
from hydranet.executions.stacked import can_stack, convolve_unfolded, keep_stack
from hydranet.models import DynamicNetwork, create_model
from hydranet.routing.routes import PADDING, Route, dynamic_route, top_k_route

TOLERANCE = 1e-4
NETWORKS: dict[str, dict[str, Any]] = {
    "hydra_res_d1": {"widths": (4, 6, 8)},
    "hydra_res_d3": {"widths": (4, 6, 8)},
    "hydra_dense_d2": {"growth": 3, "channels": 4},
    "multihead_resnet": {"widths": (4, 6, 8)},
}


def network(name: str) -> DynamicNetwork:
    torch.manual_seed(0)
    model = create_model(name, image_size=16, num_classes=10, **NETWORKS[name])
    assert isinstance(model, DynamicNetwork)
    for index, branch in enumerate(model.branches):  # statistics that differ by branch
        for module in branch.modules():
            if isinstance(module, nn.BatchNorm2d):
                assert module.running_mean is not None
                module.running_mean.fill_(0.1 * index)
    return model


def route_of(model: DynamicNetwork, images: int) -> Route:
    """One that no bucket overflows at, and that leaves a branch without rows where it can."""
    count, k = model.config.num_branches, model.config.k
    if k == count:
        return top_k_route(torch.zeros(images, count), k)
    image, column = torch.meshgrid(torch.arange(images), torch.arange(k), indexing="ij")
    indices = (image + column) % (count - 1)
    weights = torch.rand(images, k).softmax(dim=1)
    indices[0, k - 1], weights[0, k - 1] = PADDING, 0.0
    return Route(indices, weights, count)


def learned(
    model: DynamicNetwork, x: Tensor, route: Route, execution: str
) -> tuple[Tensor, Tensor, dict[str, Tensor | None]]:
    x = x.clone().requires_grad_()
    features = get_execution(execution)(model.branches, x, route)
    (features * torch.linspace(-1, 1, features.numel()).view_as(features)).sum().backward()
    assert x.grad is not None
    return features.detach(), x.grad, {n: p.grad for n, p in model.branches.named_parameters()}


def stem_features(model: DynamicNetwork, images: int) -> Tensor:
    with torch.no_grad():
        return model.stem(torch.randn(images, 3, 16, 16))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", NETWORKS)
def test_same_as_each_branch_on_its_own_rows(name: str, training: bool) -> None:
    """Features, gradients to stem and branches, and the statistics that batch norm learned."""
    model = network(name).train(training)
    twin = copy.deepcopy(model)
    x, route = stem_features(model, 24), route_of(model, 24)
    features, x_grad, grads = learned(model, x, route, "buckets")
    expected, expected_x_grad, expected_grads = learned(twin, x, route, "eager")
    torch.testing.assert_close(features, expected, atol=TOLERANCE, rtol=TOLERANCE)
    torch.testing.assert_close(x_grad, expected_x_grad, atol=TOLERANCE, rtol=TOLERANCE)
    for part, wanted in expected_grads.items():
        grad = grads[part]
        assert grad is not None, part
        wanted = torch.zeros_like(grad) if wanted is None else wanted
        torch.testing.assert_close(grad, wanted, atol=TOLERANCE, rtol=TOLERANCE, msg=part)
    for (part, buffer), wanted_buffer in zip(
        model.branches.named_buffers(), twin.branches.buffers(), strict=True
    ):
        torch.testing.assert_close(buffer, wanted_buffer, atol=TOLERANCE, rtol=1e-3, msg=part)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_kept_stack_learns_for_the_branches(name: str) -> None:
    """A step on the stack is a step of each branch, and the state dict says so."""
    model = network(name).train()
    twin = copy.deepcopy(model)
    names = list(model.state_dict())
    stack = keep_stack(model.branches)
    assert keep_stack(model.branches) is stack
    x, route = stem_features(model, 24), route_of(model, 24)
    features, _, _ = learned(model, x, route, "buckets")
    expected, _, grads = learned(twin, x, route, "buckets")
    torch.testing.assert_close(features, expected)
    with torch.no_grad():
        for parameter in stack.parameters.values():
            assert parameter.grad is not None
            parameter.sub_(parameter.grad, alpha=0.1)
        for part, parameter in twin.branches.named_parameters():
            parameter.sub_(grads[part], alpha=0.1)
    assert list(model.state_dict()) == names
    state = model.branches.state_dict()
    for part, value in twin.branches.state_dict().items():
        torch.testing.assert_close(state[part], value, msg=part)
    after, _, _ = learned(model.eval(), x, route, "eager")
    torch.testing.assert_close(after, learned(twin.eval(), x, route, "eager")[0])


@pytest.mark.parametrize("execution", ["buckets", "eager"])
def test_a_whole_forward_of_a_network(execution: str) -> None:
    model = network("hydra_res_d1").eval()
    x = torch.randn(9, 3, 16, 16)
    with torch.no_grad():
        for options in ({"k": 1}, {"k": 4}, {"k": 20}, {"k": 4, "threshold": 0.06}):
            expected = model(x, execution="reference", **options)
            output = model(x, execution=execution, **options)
            torch.testing.assert_close(
                output.logits, expected.logits, atol=TOLERANCE, rtol=TOLERANCE
            )


def test_what_a_bucket_does_not_hold_is_dropped_in_training_alone() -> None:
    """All images want one branch: the first of them get it, the others features of zero."""
    model = network("hydra_res_d1").train()
    images, count = 40, model.config.num_branches
    capacity = capacity_of(images, 1, count)
    route = Route(torch.full((images, 1), 3), torch.ones(images, 1), count)
    x = stem_features(model, images)
    features = get_execution("buckets")(model.branches, x, route)
    assert (features[:capacity] != 0).any(dim=(1, 2)).all()
    assert not features[capacity:].any()
    alone = model.branches[3](x[:capacity])
    torch.testing.assert_close(features[:capacity, 0], alone, atol=TOLERANCE, rtol=TOLERANCE)
    model.eval()
    expected = get_execution("eager")(model.branches, x, route)
    features = get_execution("buckets")(model.branches, x, route)
    torch.testing.assert_close(features, expected, atol=TOLERANCE, rtol=TOLERANCE)


def test_every_slot_has_a_place_of_its_own() -> None:
    scores = torch.randn(64, 20)
    fired = dynamic_route(scores, 4, 0.1).indices
    slot_in, place_of = fill(fired, 20, 64)
    ran = fired != PADDING
    assert torch.equal(place_of >= 0, ran)
    places = place_of[ran]
    assert len(places.unique()) == len(places)
    assert torch.equal(places // 64, fired[ran])
    assert torch.equal(slot_in[places], torch.arange(64 * 4).view(64, 4)[ran])
    assert int((slot_in >= 0).sum()) == len(places)


def test_capacity_is_the_mean_load_with_room_and_never_more_than_the_batch() -> None:
    assert capacity_of(512, 4, 20) == 160 >= CAPACITY * 512 * 4 / 20
    assert capacity_of(512, 20, 20) == 512
    assert capacity_of(3, 4, 20) == 3


def test_other_branches_are_refused_with_what_to_choose() -> None:
    model = create_model("hydra_ressep_d2", image_size=64)
    assert isinstance(model, DynamicNetwork)
    assert not can_stack(model.branches)
    with pytest.raises(InputError, match="fired"):
        model(torch.randn(2, 3, 64, 64), execution="buckets")


@pytest.mark.parametrize(("side", "stride"), [(3, 2), (1, 1), (3, 1)])
def test_unfolded_convolutions_are_the_grouped_ones(side: int, stride: int) -> None:
    """As a GPU runs them, for odd sizes too."""
    weight = torch.randn(5, 7, 3, side, side)
    for height, width in ((8, 8), (7, 9)):
        x = torch.randn(4, 5, 3, height, width)
        expected = nn.functional.conv2d(
            x.flatten(1, 2), weight.flatten(0, 1), None, stride, side // 2, groups=5
        ).unflatten(1, (5, 7))
        torch.testing.assert_close(
            convolve_unfolded(x, weight, stride), expected, atol=TOLERANCE, rtol=TOLERANCE
        )
