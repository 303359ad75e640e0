"""The grouped execution gives what the reference gives: features, gradients, batch statistics."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hydranet.config import HydraConfig
from hydranet.executions.grouped import grouped
from hydranet.executions.reference import reference
from hydranet.models import HydraNet, create_model
from hydranet.registry import list_models, model_config
from hydranet.routing.routes import PADDING, Route

DYNAMIC = [name for name in list_models() if isinstance(model_config(name), HydraConfig)]
ONE_OF_EACH_FAMILY = list({model_config(name).family: name for name in reversed(DYNAMIC)}.values())


def narrow(name: str) -> HydraNet:
    """All branches and layers, with a few channels; batch norm that is not as it was made."""
    dense = hasattr(model_config(name), "growth")
    width: dict[str, Any] = (
        {"growth": 2, "channels": 3}
        if dense
        else {"widths": (2, 3, 4, 5)[: model_config(name).num_widths]}
    )
    model = create_model(name, image_size=8, num_classes=10, **width)
    assert isinstance(model, HydraNet)
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.running_mean)
            nn.init.uniform_(part.running_var, 0.5, 2.0)
            nn.init.uniform_(part.weight, 0.5, 2.0)
    return model


def padded_route(model: HydraNet, images: int) -> Route:
    """Three branches an image, two for the first."""
    count = model.config.num_branches
    indices = torch.stack([torch.randperm(count)[:3] for _ in range(images)])
    indices[0, 2] = PADDING
    return Route(indices, torch.rand(images, 3).masked_fill(indices == PADDING, 0), count)


@pytest.mark.parametrize("name", DYNAMIC)
def test_every_registered_network(name: str) -> None:
    model = narrow(name).eval()
    x = torch.randn(3, 3, 8, 8)
    with torch.no_grad():
        found, expected = (
            model(x, execution=execution).logits for execution in ("grouped", "reference")
        )
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_it_is_the_reference(name: str, training: bool) -> None:
    model = narrow(name).train(training)
    twin = copy.deepcopy(model)
    with torch.no_grad():
        stem_features = model.stem(torch.randn(6, 3, 8, 8))
    route = padded_route(model, 6)
    weights: Tensor | None = None
    inputs = []
    for execution, net in ((grouped, model), (reference, twin)):
        x = stem_features.clone().requires_grad_()
        features = execution(net.branches, x, route)
        weights = torch.randn_like(features) if weights is None else weights
        (features * weights).sum().backward()
        inputs.append((features.detach(), x.grad))
    torch.testing.assert_close(inputs[0], inputs[1], atol=1e-4, rtol=1e-4)
    assert not inputs[0][0][0, 2].any(), "zero where the route is padded"
    own, expected = (dict(net.branches.named_parameters()) for net in (model, twin))
    for key, parameter in own.items():
        torch.testing.assert_close(
            parameter.grad, expected[key].grad, atol=1e-3, rtol=1e-3, msg=key
        )
    own_buffers, other_buffers = model.branches.named_buffers(), twin.branches.buffers()
    for (key, buffer), other in zip(own_buffers, other_buffers, strict=True):
        torch.testing.assert_close(buffer, other, msg=key)


def test_batch_statistics_move_in_training_alone() -> None:
    model = narrow("hydra_res_d1")
    x = torch.randn(4, 3, 8, 8)

    def statistics() -> Tensor:
        return torch.cat([b.flatten().float() for b in model.branches.buffers()])

    before = statistics()
    with torch.no_grad():
        model.eval()(x, execution="grouped")
        assert torch.equal(statistics(), before)
        model.train()(x, execution="grouped")
    assert not torch.equal(statistics(), before)


@pytest.mark.parametrize("name", ["hydra_res_d1", "hydra_dense_d2", "multihead_resnet"])
def test_it_stays_in_float32_under_autocast(name: str) -> None:
    model = narrow(name)
    x = torch.randn(32, 3, 8, 8)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        stem_features = model.stem(x)
        route = padded_route(model, 32)
        found = grouped(model.eval().branches, stem_features, route)
        expected = reference(model.branches, stem_features, route)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.float(), expected.float(), atol=0.1, rtol=0.1)
