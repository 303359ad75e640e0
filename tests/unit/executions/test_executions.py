"""Every execution gives what the reference gives, gradients too."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from hydranet.errors import InputError
from hydranet.executions import get_execution
from hydranet.models import DynamicNetwork, create_model
from hydranet.registry import list_models, model_config
from hydranet.routing.routes import PADDING, Route, masked_route

DYNAMIC = [name for name in list_models() if model_config(name).is_dynamic]
ONE_OF_EACH_FAMILY = list({model_config(name).family: name for name in reversed(DYNAMIC)}.values())
SMALL: dict[str, Any] = {"widths": (4, 6, 8), "image_size": 16, "num_classes": 10}
TOLERANCE = 1e-4


def network(name: str = "hydra_res_d1", **changes: object) -> DynamicNetwork:
    """With batch statistics that are not those of a fresh network, in eval mode."""
    model = create_model(name, **changes)
    assert isinstance(model, DynamicNetwork)
    with torch.no_grad():
        model(
            torch.randn(16, 3, model.config.image_size, model.config.image_size), execution="eager"
        )
    return model.eval()


def narrow(name: str) -> DynamicNetwork:
    """All branches and all layers of a registered network, with a few channels on small images,
    whose last maps are more than a pixel."""
    config = model_config(name)
    width: dict[str, Any] = {"widths": (2, 3, 4, 5)[: config.num_widths]}
    if hasattr(config, "growth"):
        width = {"growth": 2, "channels": 3}
    elif hasattr(config, "dim"):
        width = {"dim": 6, "heads": 2, "depth": 2}
    side = 64 if model_config(name).num_widths == 4 else 8
    return network(name, image_size=side, num_classes=10, **width)


def pictures(model: DynamicNetwork, count: int) -> Tensor:
    """(count, 3, side, side) of the size of the network's images."""
    return torch.randn(count, 3, model.config.image_size, model.config.image_size)


def run(
    model: DynamicNetwork, x: Tensor, execution: str, **options: Any
) -> tuple[Tensor, Tensor, dict[str, Tensor | None]]:
    """Logits, and the gradients of a loss that weighs every logit differently."""
    x = x.clone().requires_grad_()
    model.zero_grad(set_to_none=True)
    output = model(x, execution=execution, **options)
    weights = torch.linspace(-1, 1, output.logits.numel()).view_as(output.logits)
    (output.logits * weights).sum().backward()
    assert x.grad is not None
    return output.logits.detach(), x.grad, {n: p.grad for n, p in model.named_parameters()}


def assert_same(model: DynamicNetwork, x: Tensor, **options: Any) -> None:
    """`options`: what a forward takes beside images and execution: k, threshold, route."""
    logits, input_grad, grads = run(model, x, "eager", **options)
    ref_logits, ref_input_grad, ref_grads = run(model, x, "reference", **options)
    torch.testing.assert_close(logits, ref_logits, atol=TOLERANCE, rtol=TOLERANCE)
    torch.testing.assert_close(input_grad, ref_input_grad, atol=TOLERANCE, rtol=TOLERANCE)
    for name, expected in ref_grads.items():
        grad = grads[name]
        if grad is None:  # a branch that nobody fired, or a gate that a given route does without
            assert expected is None or not expected.any(), name
        else:
            assert expected is not None, name
            torch.testing.assert_close(grad, expected, atol=TOLERANCE, rtol=TOLERANCE, msg=name)


@pytest.mark.parametrize("name", DYNAMIC)
def test_every_registered_network(name: str) -> None:
    """One, some and all branches; every k is below, for the smallest network of each family."""
    model = narrow(name)
    x = pictures(model, 5)
    for k in sorted({1, 4, model.config.num_branches}):
        assert_same(model, x, k=k)


@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_every_k_of_every_family(name: str) -> None:
    model = narrow(name)
    x = pictures(model, 7)
    for k in range(1, model.config.num_branches + 1):
        assert_same(model, x, k=k)


@pytest.mark.parametrize("batch", [1, 2, 64])
@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_every_batch_of_every_family(name: str, batch: int) -> None:
    model = narrow(name)
    assert_same(model, pictures(model, batch), k=3)


@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_dynamic_k_of_every_family(name: str) -> None:
    """At a threshold that some images' second branch passes and others' does not."""
    model = narrow(name)
    x = pictures(model, 9)
    with torch.no_grad():
        scores = model(x, k=1).gate_scores
    wanted = torch.from_numpy(model.config.policy.wanted(scores.numpy()))
    second = wanted.sort(dim=1, descending=True).values[:, 1]
    threshold = float(second.median())
    counts = model(x, k=3, threshold=threshold).route.counts.tolist()
    assert len(set(counts)) > 1 or not model.config.policy.gate
    assert_same(model, x, k=3, threshold=threshold)
    assert model(x, k=3, threshold=0.99).route.counts.tolist() == [1] * 9 * model.rows
    assert_same(model, x, k=3, threshold=0.99)


@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_padded_routes_of_every_family(name: str) -> None:
    model = narrow(name)
    branches = model.config.num_branches
    rows = 6 * model.rows
    mask = torch.rand(rows, branches) < 0.4
    mask[0], mask[1] = True, False
    mask[1, 2] = True
    mask[:, 0] |= ~mask.any(dim=1)
    assert mask.sum(dim=1).unique().numel() > 2
    assert_same(model, pictures(model, 6), route=masked_route(torch.randn(rows, branches), mask))


def test_padding_before_a_branch() -> None:
    model = network(num_branches=5, k=2, **SMALL)
    indices = torch.tensor([[PADDING, 4, 1], [0, PADDING, PADDING]])
    weights = torch.tensor([[0.0, 0.25, 0.75], [1.0, 0.0, 0.0]])
    assert_same(model, torch.randn(2, 3, 16, 16), route=Route(indices, weights, 5))


def test_features_are_zero_where_padded() -> None:
    model = network(num_branches=3, k=1, **SMALL)
    stem_features = model.stem(torch.randn(2, 3, 16, 16))
    route = Route(torch.tensor([[2, PADDING], [1, 0]]), torch.ones(2, 2), 3)
    for name in ("eager", "reference"):
        features = get_execution(name)(model.branches, stem_features, route)
        assert features.shape == (2, 2, 8)
        assert not features[0, 1].any()
        assert features[0, 0].any()


def test_given_routes_with_weights_that_no_gate_gives() -> None:
    model = network(num_branches=5, k=2, **SMALL)
    route = Route(torch.tensor([[4, 0], [4, 2]]), torch.tensor([[2.0, -1.0], [0.5, 3.0]]), 5)
    assert_same(model, torch.randn(2, 3, 16, 16), route=route)


def test_what_did_not_fire_gets_no_gradient() -> None:
    model = network(num_branches=5, k=2, **SMALL)
    route = Route(torch.tensor([[3, 1], [1, 3]]), torch.full((2, 2), 0.5), 5)
    model(torch.randn(2, 3, 16, 16), route=route).logits.sum().backward()
    has_gradient = [all(p.grad is not None for p in b.parameters()) for b in model.branches]
    assert has_gradient == [False, True, False, True, False]
    for branch in (0, 2, 4):
        assert all(p.grad is None for p in model.branches[branch].parameters())


def test_one_image_does_not_change_the_others() -> None:
    model = network(num_branches=5, k=2, **SMALL)
    x = torch.randn(7, 3, 16, 16)
    with torch.no_grad():
        together = model(x).logits
        alone = torch.cat([model(image[None]).logits for image in x])
    torch.testing.assert_close(together, alone, atol=TOLERANCE, rtol=TOLERANCE)


def test_an_unknown_execution_lists_the_names() -> None:
    model = network(num_branches=2, k=1, **SMALL)
    with pytest.raises(InputError, match=r"'fast'.*reference, eager"):
        model(torch.randn(1, 3, 16, 16), execution="fast")
