"""DenseNet is what its paper says: every layer of a block sees the outputs of all before it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hydranet.config import DenseNetConfig
from hydranet.models import DenseNet, build
from hydranet.models.densenet import DenseBody, DenseStem, Transition


@pytest.fixture
def model() -> DenseNet:
    """With batch statistics of its own, in eval mode."""
    network = build(DenseNetConfig(n=3, growth=4, channels=6, num_classes=5, image_size=18))
    assert isinstance(network, DenseNet)
    with torch.no_grad():
        network(torch.randn(16, 3, 18, 18))
    return network.eval()


def block_by_hand(maps: Tensor, layers: Iterable[nn.Module]) -> Tensor:
    """Equation 2 of the paper: x_l = H_l([x_0, x_1, …, x_(l-1)])."""
    outputs = [maps]
    for layer in layers:
        seen = torch.cat(outputs, dim=1)
        outputs.append(layer.conv(F.relu(layer.bn(seen))))
    return torch.cat(outputs, dim=1)


def transition_by_hand(maps: Tensor, transition: Transition) -> Tensor:
    maps = transition.conv(F.relu(transition.bn(maps)))
    return F.avg_pool2d(maps, kernel_size=2, stride=2)


def test_it_is_the_network_of_the_paper(model: DenseNet) -> None:
    x = torch.randn(4, 3, 18, 18)
    stem, body = model.stem, model.body
    assert isinstance(stem, DenseStem)
    assert isinstance(body, DenseBody)
    with torch.no_grad():
        maps = block_by_hand(stem.conv(x), stem.block1)
        maps = block_by_hand(transition_by_hand(maps, stem.transition1), stem.block2)
        maps = block_by_hand(transition_by_hand(maps, body.transition2), body.block3)
        features = F.adaptive_avg_pool2d(F.relu(body.bn(maps)), 1).flatten(1)
        expected = model.head(features)
        found = model(x)
    torch.testing.assert_close(found, expected)
    assert found.std() > 0


def test_shapes(model: DenseNet) -> None:
    x = torch.randn(2, 3, 18, 18)
    maps = model.stem(x)
    assert maps.shape == (2, 6 + 2 * 3 * 4, 9, 9)
    assert model.body.maps(maps).shape == (2, 6 + 3 * 3 * 4, 4, 4)
    assert model.features(x).shape == (2, 42)
    torch.testing.assert_close(model.body(maps), model.body.maps(maps).mean(dim=(2, 3)))


def test_no_layer_but_the_last_has_a_bias() -> None:
    model = build(DenseNetConfig(n=2))
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == 1 + 3 * 2 + 2
    assert all(m.bias is None for m in convolutions)
    depth = len(convolutions) + sum(isinstance(m, nn.Linear) for m in model.modules())
    assert depth == 3 * 2 + 4
