"""A library's image classifier as a chain of modules, one after another, that can be cut anywhere.

torchvision's and timm's convolutional classifiers differ in how they name and nest what they run,
but all of them run their children in the order in which they are declared: stages, a global pool,
and a head that ends in a linear layer. That is checked on the network itself, not assumed.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hydranet.errors import InputError

_CONTAINERS = ("features", "trunk_output", "stages", "blocks", "head", "classifier")
_IDLE = (nn.Identity, nn.Flatten, nn.Dropout)
"""What a head has that changes no feature of one image."""
_POOLS = ("avgpool", "global_pool", "pool")


class Neck(nn.Module):
    """What a classifier does between pooling and its last linear layer, e.g. a norm; often
    nothing."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, pooled: Tensor) -> Tensor:
        """(B, D) → (B, D')."""
        x = pooled[:, :, None, None]  # (B, D, 1, 1)
        for layer in self.layers:
            x = layer(x.flatten(1) if isinstance(layer, nn.Linear) else x)
        return x.flatten(1)


@dataclass(frozen=True)
class Chain:
    """`maps`: the named modules from the image to the last feature maps, in order; `neck`: what
    follows pooling; `output`: the last linear layer."""

    maps: dict[str, nn.Module]
    neck: Neck
    output: nn.Linear

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, C): what the network answers, if it is this chain."""
        for module in self.maps.values():
            x = module(x)
        return self.output(self.neck(x.mean(dim=(2, 3))))


def chain_of(model: nn.Module, name: str) -> Chain:
    """The modules of a classifier in the order in which they run; none is copied.

    Raises:
        InputError: it has no global pooling between feature maps and a linear layer, so it is no
            chain; `name` begins the message.
    """
    modules = dict(_unpacked(model))
    places = list(modules)
    pool = next((i for i, place in enumerate(places) if _is_pool(place)), None)
    head = [] if pool is None else [modules[place] for place in places[pool + 1 :]]
    head = [layer for layer in head if not isinstance(layer, _IDLE)]
    last = head[-1] if head else None
    if not pool or not isinstance(last, nn.Linear):
        raise InputError(
            f"{name} cannot be made into a HydraNet: it must run convolutional stages, one global "
            "pooling and a head that ends in one linear layer, in this order. ResNet, RegNet, "
            "MobileNetV3, EfficientNet and ConvNeXt do."
        )
    return Chain({place: modules[place] for place in places[:pool]}, Neck(head[:-1]), last)


def _unpacked(model: nn.Module, prefix: str = "") -> list[tuple[str, nn.Module]]:
    """The children of a network in order, those of its containers in their place."""
    found = []
    for name, child in model.named_children():
        place = prefix + name
        if name in _CONTAINERS and not isinstance(child, nn.Linear):
            found += _unpacked(child, place + ".")
        else:
            found.append((place, child))
    return found


def _is_pool(place: str) -> bool:
    return place.rpartition(".")[2] in _POOLS


@torch.no_grad()
def check_chain(chain: Chain, model: nn.Module, name: str, image_size: int) -> None:
    """Raise InputError unless the chain answers as the network, in eval mode, does."""
    was_training = model.training
    model.eval()
    x = torch.randn(2, 3, image_size, image_size, generator=torch.Generator().manual_seed(0))
    try:
        same = torch.allclose(model(x), chain.forward(x), rtol=1e-3, atol=1e-4)
    except (RuntimeError, ValueError):
        same = False
    finally:
        model.train(was_training)
    if not same:
        raise not_a_chain(name)


def not_a_chain(name: str) -> InputError:
    """The sentence for a network that is more than its parts in order."""
    return InputError(
        f"{name} cannot be made into a HydraNet: it does more than run its parts one after another."
    )
