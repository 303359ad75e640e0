"""Run a HydraNet on one image as far as no route is needed: stem, gate, and every branch."""

from __future__ import annotations

import torch

from hydranet.errors import InputError
from hydranet.executions.reference import all_branch_features
from hydranet.models.hydra import HydraNet
from hydranet.models.network import Network
from hydranet.prediction import Picture, network_input
from hydranet.switchboard import Examined


@torch.no_grad()
def examine(model: Network, image: Picture) -> Examined:
    """What a network from `hydranet.load` computes of an image before a route is chosen.

    Raises:
        InputError: the network is static, or has no card.
    """
    if model.card is None:
        raise InputError("The network has no card: load it from a checkpoint with hydranet.load.")
    if not isinstance(model, HydraNet):
        raise InputError(f"{model.card.name} is a static network: it has no branches to choose.")
    pixels, x = network_input(model.card, image)
    stem_features = model.stem(x)
    weight, bias = model.combiner.matrix()
    return Examined(
        pixels=pixels,
        gate_scores=model.gate(stem_features)[0].numpy(),
        features=all_branch_features(model.branches, stem_features)[0].numpy(),
        output_weight=weight.numpy(),
        output_bias=bias.numpy(),
        costs=model.card.costs,
    )
