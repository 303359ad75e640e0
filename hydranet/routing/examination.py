"""Run a dynamic network on one image as far as no route is needed: stem, gate, and every branch."""

from __future__ import annotations

import torch

from hydranet.data.picture import Picture
from hydranet.engines.own import OwnForward
from hydranet.errors import InputError
from hydranet.models.dynamic import DynamicNetwork
from hydranet.models.network import Network
from hydranet.prediction import network_input
from hydranet.routing.switchboard import Examined


@torch.no_grad()
def examine(model: Network, image: Picture) -> Examined:
    """What a network from `hydranet.load` computes of an image before a route is chosen.

    Raises:
        InputError: the network is static, or has no card; or the image is no picture.
    """
    if model.card is None:
        raise InputError("The network has no card: load it from a checkpoint with hydranet.load.")
    if not isinstance(model, DynamicNetwork):
        raise InputError(f"{model.card.name} is a static network: it has no branches to choose.")
    pixels, x = network_input(model.card, image)
    return OwnForward(model, execution="reference").examined(x, pixels, model.card.costs)
